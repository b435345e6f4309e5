"""The sizes of thumbnails: the most that the longer side may have, in pixels; a smaller picture keeps its size."""

STORE_SIDE = 320
"""Of the thumbnails that the store has of all pictures."""

LARGE_SIDE = 1024
"""Of the large thumbnails that are made when somebody looks at a picture."""
