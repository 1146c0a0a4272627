"""The text of one answer as its tokens arrive: whole characters only, cut at stop strings."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from testbed.engine.tokenizer import Tokenizer


class AnswerText:
    """Turns tokens into text that may be sent.

    A character is held back until all its bytes are there; an unfinished one at the end of the answer
    is dropped. With stop strings, as many characters are held back as could begin one of them, so that
    nothing is sent that a later token would cut away.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        *,
        stop: Sequence[str] = (),
        include_stop: bool = False,
        skip_special: bool = True,
    ) -> None:
        self.text = ""
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = stop
        self._include_stop = include_stop
        self._skip_special = skip_special
        self._held = 0 if include_stop else max((len(string) - 1 for string in stop), default=0)
        self._taken = 0

    def push(self, token: int) -> str | None:
        """Add one token; returns the stop string that it completed, at which the text is then cut."""
        before = len(self.text)
        self.text += self._decoder.decode(self._tokenizer.bytes_of(token, skip_special=self._skip_special))
        if len(self.text) == before:
            return None
        for string in self._stop:
            at = self.text.find(string, max(0, before - len(string) + 1))
            if at != -1:
                self.text = self.text[: at + len(string) if self._include_stop else at]
                return string
        return None

    def take(self, *, finished: bool) -> str:
        """The text not yet taken that may be sent; all of it once the answer has finished."""
        start, end = self._taken, len(self.text) if finished else len(self.text) - self._held
        self._taken = max(start, end)
        return self.text[start : self._taken]
