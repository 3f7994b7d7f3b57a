"""The words that a design may put on a label. There is no name, no birth date and no hospital number among them."""

from dataclasses import dataclass

SUBJECTS = ("sample", "container", "card", "patient")
"""What a label can be of."""

_EVERY = frozenset(SUBJECTS)


@dataclass(frozen=True)
class FieldWord:
    """One word of a template.

    shortest, longest  as it comes in practice, to try a design with; a French text has every accent it can
    on                 the kinds of label it is offered on
    """

    meaning: str
    shortest: str
    longest: str
    on: frozenset[str] = _EVERY


def _on(*subjects: str) -> frozenset[str]:
    return frozenset(subjects)


# A tube may leave the house: even the patient's pseudonym is offered only on sheets for the patient's own file,
# and free text, into which somebody would write a name, on no sample.
FIELDS = {
    "code": FieldWord("what the scanner reads", "T00421736", "T004217361059"),
    "number": FieldWord("the code in groups, for people", "T 004217 36", "T 0042173610 59"),
    "type": FieldWord("what the sample is", "DNA", "Échantillon d’œil prélevé", _on("sample")),
    "amount": FieldWord("volume, mass or cells", "", "1250.125 µL", _on("sample")),
    "collected_on": FieldWord("day of collection", "", "2026-11-23 14:05", _on("sample")),
    "stored_on": FieldWord("day it was put away", "", "2026-11-23 14:05", _on("sample")),
    "study": FieldWord("code of the study", "", "ÉTUDE-ŒSO-2026"),
    "visit": FieldWord("visit of the study", "", "Contrôle à 24 mois", _on("sample", "card", "patient")),
    "patient": FieldWord("pseudonym of the patient", "", "P 004217361 85", _on("patient")),
    "site": FieldWord("the biobank's site", "", "Hôpital Nord, bâtiment Ç"),
    "container": FieldWord(
        "name of the box, rack or freezer", "B1", "Boîte d’œsophages n° 128, été", _on("sample", "container")
    ),
    "position": FieldWord("place in it", "", "Tiroir 12, J10", _on("sample", "container")),
    "kind": FieldWord("kind of container or card", "Box", "Boîte à tubes 10 × 10", _on("container", "card")),
    "kit": FieldWord("title of the kit", "", "Kit d’œsophage, prélèvement à jeun", _on("sample", "card")),
    "tube": FieldWord("which tube of the kit", "", "EDTA à bouchon violet", _on("sample", "card")),
    "procedure": FieldWord("title of the procedure", "", "Congélation à −80 °C, cœur prélevé", _on("card")),
    "version": FieldWord("its version", "", "PRO-ŒSO-128  v12.3", _on("card")),
    "temperature": FieldWord("what it is kept at", "", "−196 °C", _on("container")),
    "mark": FieldWord("R1, R2 … of a label printed again", "", "R12"),
    "set": FieldWord("which one of a set this is", "", "12"),
    "sets": FieldWord("how many the set has", "", "24"),
    "gs1_prefix": FieldWord("the GS1 company prefix of the biobank", "376001", "3760012345"),
    "note": FieldWord(
        "free text", "", "À garder à l’abri du gel, reçu fêlé", _on("container", "card", "patient")
    ),
}  # fmt: skip
