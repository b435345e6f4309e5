"""Which files and directories are left out of a library, by name; the README lists the same rules."""

SIDE_FILES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})
SIDE_DIRECTORIES = frozenset({"@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found", "__macosx"})

# Endings of files that lie beside photographs and are none: they are never opened to find out.
OTHER_ENDINGS = frozenset(
    {
        *("aac", "aae", "avi", "bak", "csv", "db", "doc", "docx", "dop", "epub", "flac", "gpx", "gz", "htm", "html", "ini"),
        *("json", "kml", "log", "lrcat", "lrv", "m4a", "m4v", "md", "mkv", "mov", "mp3", "mp4", "mpg", "mts", "odt", "ogg"),
        *("on1", "pdf", "pp3", "ppt", "pptx", "psd", "py", "rar", "sh", "sqlite", "srt", "svg", "tar", "tgz", "thm", "tmp"),
        *("txt", "url", "wav", "webm", "xls", "xlsx", "xmp", "xml", "yaml", "yml", "zip", "7z", "part", "crdownload"),
    }
)


def is_left_out(name: str) -> bool:
    """Whether a file of this name is left out unseen: hidden, or a system's or a program's side file."""
    return name.startswith(".") or name.lower() in SIDE_FILES


def is_directory_left_out(name: str) -> bool:
    """Whether a directory of this name is left out with all that is below it: hidden, a recycle bin, a cache."""
    return name.startswith(".") or name.lower() in SIDE_DIRECTORIES


def ending(name: str) -> str:
    """The ending of a name, lower case, without its dot: `jpg`; empty where there is none."""
    _, dot, last = name.rpartition(".")
    return last.lower() if dot else ""
