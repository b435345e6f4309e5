"""What people can do about files that could not be read."""

from image_pipeline.schema.outcome import Reason

REMEDIES: dict[Reason, tuple[str, str]] = {
    Reason.EMPTY: ("The file has no bytes.", "Copy it again."),
    Reason.TRUNCATED: ("The file ends before its picture does.", "Copy it again."),
    Reason.CORRUPT: ("The content of the file is damaged.", "Restore it from a backup."),
    Reason.UNKNOWN_FORMAT: ("The content is in no format that is read, whatever the name says.", "Convert it."),
    Reason.UNSUPPORTED: ("A sound picture in a format or variant that is not read.", "Convert it."),
    Reason.NO_IMAGE_IN_RAW: ("The RAW file contains no sensor data.", "Export it from the camera's program."),
    Reason.UNREADABLE: (
        "The file could not be opened, or changed while it was read.",
        "Fix its permissions. It is tried again by itself.",
    ),
    Reason.TOO_MANY_PIXELS: (
        "The picture is larger than IMAGE_PIPELINE_DECODE_PIXELS.",
        "Raise it, and IMAGE_PIPELINE_DECODE_MEMORY.",
    ),
    Reason.TIMEOUT: (
        "Decoding took longer than IMAGE_PIPELINE_DECODE_SECONDS.",
        "It is tried again by itself. Or raise the limit.",
    ),
    Reason.OUT_OF_MEMORY: (
        "Decoding needed more memory than IMAGE_PIPELINE_DECODE_MEMORY.",
        "It is tried again by itself. Or raise the limit.",
    ),
    Reason.DECODER_CRASHED: (
        "The process that decoded the file ended; no other file was affected.",
        "It is tried again by itself. If it keeps failing, report the file to the authors of the decoding library.",
    ),
}
"""What each reason means, and what to do."""
