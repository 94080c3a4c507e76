"""What a dialogue is loaded with, and what a label says.

The values are the operator's; nothing of a visitor's is here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from visavis.engines.base import Notes, Question, Toolbox
from visavis.engines.registry import TranslatorName

# What the house knows about a question, asked of whoever holds the operator's file of answers.
Consult = Callable[[Question], Awaitable[Notes]]


Corner = Literal["top-right", "top-left", "bottom-right", "bottom-left"]
CORNERS: Final[tuple[Corner, ...]] = get_args(Corner)
LETTERS: Final = 40  # of a label at most
SIZES: Final = 0.03, 0.2  # of its capitals, of the picture's shorter side


@dataclass(frozen=True, slots=True)
class Lettered:
    """What a label in the picture says, and where. size: a capital's height, see SIZES."""

    text: str = "AI"
    corner: Corner = "top-right"
    size: float = 0.035


@dataclass(frozen=True, slots=True)
class Labelled:
    """A label that is in pictures, and where: left, top, width and height, shares of what is seen.

    For whoever shows them: a picture may be cut off, or too small to read it.
    """

    text: str
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class ChatSettings:
    """A chat endpoint that speaks OpenAI's protocol, and how it is used.

    key: empty where the endpoint wants none. headers: sent with every request, on top. extra: what
    is added to the body of each. temperature: in [0, 2]. max_tokens: of one answer.

    Seconds: `connect` until there is a connection, `first_token` from the question until the first
    piece of an answer, retries included, `between` two pieces of it, `total` for the whole turn,
    tools included.

    persona: a text file that says who the avatar is; None: its own. bound: whether answers come
    from the operator's file alone. speculate: whether it may be asked before the visitor has
    finished: the answer comes sooner, and some requests are made in vain.
    """

    base_url: str
    model: str
    key: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    extra: Mapping[str, object] = field(default_factory=dict)
    temperature: float = 0.3
    max_tokens: int = 200
    connect: float = 2.0
    first_token: float = 6.0
    between: float = 3.0
    total: float = 30.0
    persona: Path | None = None
    bound: bool = True
    speculate: bool = True


@dataclass(frozen=True, slots=True)
class DialogueSettings:
    """home: the directory for state. knowledge: the operator's file of answers; None: an example.

    language: of the one that is loaded, BCP 47; a mind, which serves all, reads the question's.
    chat: for those that ask a language model. toolbox: what it may use; None: nothing.
    brackets: the directions that a text may have in brackets.
    consult: who is asked what the file of answers says; None: there is nobody.
    zone: the place's time zone, as in "Europe/Madrid"; empty: this machine's.
    """

    home: Path
    knowledge: Path | None = None
    language: str = "en"
    chat: ChatSettings | None = None
    toolbox: Toolbox | None = None
    brackets: tuple[str, ...] = ()
    consult: Consult | None = None
    zone: str = ""


# Runs a program shut in: its command, its input -> its output. Raises EngineError. What it may read
# and how long it may take is whoever's who hands it to an engine.
Run = Callable[[Sequence[str], bytes], bytes]


@dataclass(frozen=True, slots=True)
class TranslationSettings:
    """wanted: who translates. chat: the endpoint of a language model; None: there is none.

    folder: of CTranslate2 models; None: there is none. run: how a translator that is a program is
    run; None: it may not be.
    """

    wanted: TranslatorName = "auto"
    chat: ChatSettings | None = None
    folder: Path | None = None
    run: Run | None = None
