"""Rules for leaving out files and directories of a library by name; the README lists the same rules."""

SIDE_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
SIDE_DIRECTORIES = frozenset(
    {"@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found", "__macosx"}
)

# Endings of other files that are kept beside photographs: they are never opened to check their content.
# fmt: off
OTHER_ENDINGS = frozenset((
    ".7z", ".aac", ".aae", ".avi", ".bak", ".crdownload", ".csv", ".db", ".doc", ".docx", ".dop", ".epub", ".flac",
    ".gpx", ".gz", ".htm", ".html", ".ini", ".json", ".kml", ".log", ".lrcat", ".lrv", ".m4a", ".m4v", ".md", ".mkv",
    ".mov", ".mp3", ".mp4", ".mpg", ".mts", ".odt", ".ogg", ".on1", ".part", ".pdf", ".pp3", ".ppt", ".pptx",
    ".py", ".rar", ".sh", ".sqlite", ".srt", ".svg", ".tar", ".tgz", ".thm", ".tmp", ".txt", ".url", ".wav", ".webm",
    ".xls", ".xlsx", ".xml", ".xmp", ".yaml", ".yml", ".zip",
))
# fmt: on

# Endings of picture formats that cannot be decoded: such a file goes into quarantine instead of being ignored.
# fmt: off
UNSUPPORTED_IMAGE_ENDINGS = frozenset((
    ".afphoto", ".bpg", ".cin", ".clip", ".cur", ".dcm", ".dds", ".djv", ".djvu", ".dpx", ".exr", ".fits", ".flif",
    ".fts", ".hdp", ".hdr", ".icns", ".ico", ".jls", ".jng", ".jxr", ".kra", ".mng", ".ora", ".pam", ".pct", ".pgf",
    ".pict", ".psp", ".pspimage", ".pxd", ".qoi", ".ras", ".rgbe", ".sgi", ".wdp", ".xbm", ".xcf", ".xpm",
))
# fmt: on

EXIFTOOL_BACKUP, EDITOR_BACKUP = "_original", "~"
"""What ExifTool appends to the ending of a file that it is about to change, and editors to its name."""


def is_left_out(name: str) -> bool:
    """Whether a file of this name is ignored: hidden, a backup, or a side file of a system or a program."""
    is_backup = name.endswith(EDITOR_BACKUP) or ending(name).endswith(EXIFTOOL_BACKUP)
    return is_backup or name.startswith(".") or name.lower() in SIDE_FILES


def is_directory_left_out(name: str) -> bool:
    """Whether a directory of this name is ignored, with everything below it: hidden, a recycle bin, a cache."""
    return name.startswith(".") or name.lower() in SIDE_DIRECTORIES


def ending(name: str) -> str:
    """The ending of a name, in lower case and with its dot (`.jpg`); empty if there is none."""
    stem, dot, last = name.rpartition(".")
    return dot + last.lower() if last and stem.strip(".") else ""
