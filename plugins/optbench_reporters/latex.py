r"""Text that LaTeX prints as it is, with any engine, font encoding and no package.

pdflatex ends at a letter that it has no command for, and what the encoding OT1 lacks is an error in most papers.
Letters with the common accents stay, for LaTeX reads UTF-8; Greek and signs of mathematics become formulas.
"""

from __future__ import annotations

import unicodedata

LATEX_NEEDS = r"LaTeX before 2018 also \usepackage[utf8]{inputenc}"  # where letters have accents

_SIGNS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\char34{}",  # \textquotedbl is an error in OT1
    "[": "{[}", "*": "{*}",  # after the end of a row they would be its options
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\dots{}", "†": r"\dag{}",
    "½": r"\(\frac12\)", "×": r"\(\times\)", "≈": r"\(\approx\)", "≤": r"\(\leq\)", "≥": r"\(\geq\)",
    "≠": r"\(\neq\)", "∞": r"\(\infty\)", "∇": r"\(\nabla\)", "∂": r"\(\partial\)", "√": r"\(\surd\)",
    "→": r"\(\to\)", "←": r"\(\leftarrow\)", "∈": r"\(\in\)", "‖": r"\(\Vert\)", "−": r"\(-\)", "∕": "/",
    "⋅": r"\(\cdot\)",
}  # fmt: skip
_LATIN = 0x180  # below it LaTeX knows the letters, but for these
_NOT_IN_OT1 = frozenset("«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
# Capitals that look like Latin ones have no command.
_GREEK = {
    "lamda": "lambda", "Lamda": "Lambda", "final sigma": "varsigma", "omicron": "mathrm{o}", "Alpha": "mathrm{A}",
    "Beta": "mathrm{B}", "Epsilon": "mathrm{E}", "Zeta": "mathrm{Z}", "Eta": "mathrm{H}", "Iota": "mathrm{I}",
    "Kappa": "mathrm{K}", "Mu": "mathrm{M}", "Nu": "mathrm{N}", "Omicron": "mathrm{O}", "Rho": "mathrm{P}",
    "Tau": "mathrm{T}", "Chi": "mathrm{X}",
}  # fmt: skip
_COMMANDS = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta",
    "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
})  # fmt: skip


def latex_text(text: str) -> str:
    """Return text that LaTeX prints as it is; what it has no sign for is spelled as "U+4E2D"."""
    return "".join(map(_letter, text))


def _letter(letter: str) -> str:
    if letter in _SIGNS:
        return _SIGNS[letter]
    if not letter.isprintable():
        return " "
    if ord(letter) < _LATIN and letter not in _NOT_IN_OT1:
        return letter
    parts = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
    return "".join(_base(part) for part in parts)


def _base(letter: str) -> str:
    """Return a letter without accents."""
    if letter.isascii() or letter in _SIGNS:
        return _SIGNS.get(letter, letter)
    script, _, name = unicodedata.name(letter, "").partition(" ")
    case, _, spelled = name.partition(" LETTER ")
    small = spelled.lower() if case == "SMALL" else spelled.capitalize()
    command = _GREEK.get(small, small)
    if script == "GREEK" and (command in _COMMANDS or small in _GREEK):
        return rf"\(\{command}\)"
    return f"U+{ord(letter):04X}"
