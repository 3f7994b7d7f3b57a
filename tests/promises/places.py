"""Steps at the freezers: tubes are placed, moved, taken out, put back, thrown away, lost and found."""

from hypothesis import strategies as st

from biobank.samples import life
from biobank.storage import service as storage
from tests.promises.bench import Bench
from tests.promises.stock import ROWS
from tests.promises.walking import NUMBERS, step

#: Also places that a box of 4 × 6 does not have.
PLACES = st.tuples(st.integers(0, 1), st.sampled_from([*ROWS, "E"]), st.sampled_from([1, 2, 6, 7]))


class Places(Bench):
    """Where tubes stand, and their end."""

    @step("places", times=6, which=NUMBERS, place=PLACES)
    def a_tube_is_placed(self, which: int, place: tuple[int, str, int]) -> None:
        tube, where = self.tube(which), (self.boxes[place[0]], f"{place[1]}{place[2]:02d}")
        done = self.act(
            "move" if tube.place else "place", self.bank.why_not_place(tube, where),
            lambda: storage.place(container=storage.find_container(where[0], self.by), position=where[1],
                                  sample=self.row(tube), by=self.by),
        )  # fmt: skip
        if done is not None:
            self.bank.put(tube, where)

    @step("places", which=NUMBERS)
    def a_tube_is_taken_out(self, which: int) -> None:
        tube = self.tube(which)
        if self.do("take out", set() if tube.place else {"stands_nowhere"}, storage.take_out, tube):
            tube.place = None

    @step("places", times=2, which=NUMBERS)
    def a_tube_is_put_back(self, which: int) -> None:
        tube = self.tube(which)
        if self.do("put back", self.bank.why_not_put_back(tube), storage.put_back, tube):
            assert tube.stood is not None
            self.bank.put(tube, tube.stood)

    @step("places", which=NUMBERS, reason=st.sampled_from(["broken", "broken", " "]))
    def a_tube_is_thrown_away(self, which: int, reason: str) -> None:
        tube = self.tube(which)
        if self.do("discard", self.bank.why_not_discard(tube, reason), storage.discard, tube, reason=reason):
            tube.left = None if tube.left is None else 0
            self.bank.end(tube, "destroyed")

    @step("places", which=NUMBERS)
    def a_tube_is_lost(self, which: int) -> None:
        tube = self.tube(which)
        here = tube.status in ("available", "handed_out", "shipped")
        if self.do("lose", set() if here else {"act_not_possible"}, storage.lose, tube):
            self.bank.end(tube, "lost")

    @step("places", which=NUMBERS)
    def a_tube_is_found(self, which: int) -> None:
        lost = [tube for tube in self.bank.tubes.values() if tube.status == "lost"]
        tube = lost[which % len(lost)] if lost else self.tube(which)
        if self.do("find", set() if lost else {"act_not_possible"}, life.find, tube):
            tube.status = "available"
