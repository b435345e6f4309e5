"""Character encodings of texts that do not name theirs: in EXIF and IPTC, programs wrote what their system used."""

import re
import unicodedata

_RARE_LATIN = re.compile(r"[\x80-\x9f]")
_WORDS = re.compile(r"[^\s!-/:-@\[-`{-~]+")
_BEFORE_LETTERS = frozenset("“‘„«‹¿¡©•–—’·°")
_BEFORE_DIGITS = _BEFORE_LETTERS | frozenset("€£¥§±×")
_AFTER_LETTERS = frozenset("”’»›…®™°ºª²³½¼¾–—“‘·©•€£¥")
_BETWEEN_LETTERS = frozenset("’‘–—·/")
_SHARE_OF_LETTERS = 2
_ACCENTED_ROW = re.compile(r"[^\W\d_\x00-\x7f]{3}")
_KANA = re.compile(r"[\u3041-\u30ff]")
_JAPANESE = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uff01-\uff5e\s\x20-\x7e]+$")


def decoded(content: bytes) -> str | None:
    """`content` as text: UTF-8, or Windows' western encoding, Mac Roman or Shift-JIS if it can only be that one.

    None if none of them gives natural words, or if two do: a wrong text is worse than none.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    western = _decoded(content, "cp1252")
    if western is not None and _is_western(western):
        # the letters of Latin-1, which all western programs but old Macs wrote
        if not _RARE_LATIN.search(content.decode("latin-1")):
            return western
    else:
        western = None
    mac = _decoded(content, "mac_roman")
    japanese = _decoded(content, "cp932")
    candidates = {
        western,
        mac if mac is not None and _is_western(mac) else None,
        japanese if japanese is not None and _is_japanese(japanese) else None,
    } - {None}
    return candidates.pop() if len(candidates) == 1 else None


def repaired(text: str) -> str:
    """`text`, or what it was before its UTF-8 was read as a western encoding (`ZÃ¼rich`), which no natural text is."""
    for encoding in ("latin-1", "cp1252"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


def _decoded(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _is_japanese(text: str) -> bool:
    """Whether all of it is Japanese or ASCII; with kana, or with no ASCII letter beside its kanji."""
    if not _JAPANESE.match(text):
        return False
    return bool(_KANA.search(text)) or not any("a" <= letter.lower() <= "z" for letter in text)


def _is_western(text: str) -> bool:
    """Whether accents, capitals and quotes are where western languages have them."""
    plain = sum(letter.isascii() and letter.isalpha() for letter in text)
    accented = sum(not letter.isascii() and letter.isalpha() for letter in text)
    return plain * _SHARE_OF_LETTERS >= accented and all(map(_is_western_word, _WORDS.findall(text)))


def _is_western_word(word: str) -> bool:
    if _ACCENTED_ROW.search(word):
        return False
    neighbours = zip(" " + word, word, word[1:] + " ", strict=False)
    return all(_may_follow(before, letter, after) for before, letter, after in neighbours if not letter.isascii())


def _may_follow(before: str, letter: str, after: str) -> bool:
    """Whether `letter`, which is not ASCII, is natural between these two."""
    if unicodedata.category(letter) in ("Lu", "Ll"):
        if letter in "ƒı" or "LATIN" not in unicodedata.name(letter, ""):
            return letter == "µ" and not before.isalpha()
        if letter.isupper():
            return not before.islower() and not (after.islower() and before.isupper())
        return not after.isupper()
    is_start, is_end = not before.isalnum(), not after.isalnum()
    if is_start and is_end:
        return True
    if is_start:
        return letter in (_BEFORE_DIGITS if after.isdigit() else _BEFORE_LETTERS)
    return letter in (_AFTER_LETTERS if is_end else _BETWEEN_LETTERS)
