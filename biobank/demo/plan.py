"""What the demonstration bank is like: its people, studies, forms and freezers, as data. No real person is in it."""

from typing import Any

#: Printed at each start. The bank listens on this machine alone and holds nothing real.
PASSWORD = "demonstration-bank"  # noqa: S105  said aloud on purpose

#: name and role; the administrator sees both sites, everybody else the first.
USERS = ("technician", "manager", "committee", "researcher", "dpo", "administrator")

SITES = (("NORD", "Cancer centre North"), ("SUD", "Cancer centre South"))

STUDIES = (
    ("BIOBANK", "Tumour and blood collection of the centre"),
    ("COLIBRI", "Circulating DNA in breast cancer, phase II"),
    ("LYNX", "Lymphoma registry with serial blood draws"),
)

CLAUSES = (
    {
        "key": "research",
        "text": "My samples may be kept and used for health research.",
        "text_fr": "Mes échantillons peuvent être conservés et utilisés pour la recherche en santé.",
        "required": True,
        "if_granted": ["HMB"],
    },
    {
        "key": "genetics",
        "text": "They may be used for genetic research.",
        "text_fr": "Ils peuvent être utilisés pour la recherche génétique.",
        "if_refused": ["NO_GENETIC"],
    },
    {
        "key": "companies",
        "text": "They may be used by companies.",
        "text_fr": "Ils peuvent être utilisés par des entreprises.",
        "if_refused": ["NPU"],
    },
    {
        "key": "abroad",
        "text": "They may be sent abroad.",
        "text_fr": "Ils peuvent être envoyés à l’étranger.",
        "if_refused": ["GS:FR"],
    },
    {
        "key": "findings",
        "text": "I want to be told of findings that matter to my health.",
        "text_fr": "Je veux être informé(e) de découvertes importantes pour ma santé.",
        "if_refused": ["NO_FINDINGS"],
    },
)

TRIAL_CLAUSES = (
    {
        "key": "trial",
        "text": "My samples may be used for research on breast cancer.",
        "text_fr": "Mes échantillons peuvent être utilisés pour la recherche sur le cancer du sein.",
        "required": True,
        "if_granted": ["DS:C50"],
    },
)

NOTICE_CLAUSES = (
    {
        "key": "reuse",
        "text": "What is left of my samples after care is kept and used for health research.",
        "text_fr": "Ce qui reste après les soins est conservé et utilisé pour la recherche en santé.",
        "required": True,
        "if_granted": ["HMB"],
    },
    {
        "key": "genetics",
        "text": "Genes may be examined for this research.",
        "text_fr": "Des examens génétiques sont réalisés pour cette recherche.",
        "if_refused": ["NO_GENETIC"],
    },
)

#: Who did not sign for themselves, and how the law has it: (form, how it was recorded).
OTHER_BASES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("INFORMATION", {"channel": "post"}),
    (
        "INFORMATION",
        {
            "basis": "waiver",
            "ethics_reference": "Opinion of the committee, retrospective series",
            "basis_reason": "Treated twenty years ago; no address is known.",
        },
    ),
    ("BIOBANK", {"given_by": "guardian", "of_age": 40}),
    ("BIOBANK", {"given_by": "representative"}),
)

ALL_YES: dict[str, str] = dict.fromkeys((str(clause["key"]) for clause in CLAUSES), "granted")

#: What the patients said, in turn: (form, answers, what came after). None: nothing is answered yet.
ANSWERS: tuple[tuple[str, dict[str, str], str] | None, ...] = (
    ("BIOBANK", ALL_YES, ""),
    ("BIOBANK", ALL_YES | {"companies": "refused"}, ""),
    ("BIOBANK", ALL_YES, ""),
    ("BIOBANK", ALL_YES | {"genetics": "refused", "abroad": "refused"}, ""),
    None,
    ("BIOBANK", ALL_YES, ""),
    ("BIOBANK", {"research": "granted"}, ""),  # four clauses left blank
    ("BIOBANK", ALL_YES, ""),
    ("BIOBANK", ALL_YES | {"research": "refused"}, ""),
    ("BIOBANK", ALL_YES, ""),
    ("COLIBRI", {"trial": "granted"}, ""),
    ("BIOBANK", ALL_YES, "withdraw all"),
    ("BIOBANK", ALL_YES, ""),
    ("BIOBANK", ALL_YES, "withdraw companies"),
    ("BIOBANK", ALL_YES, ""),
    ("BIOBANK", ALL_YES | {"companies": "refused"}, "corrected"),
)

PATIENTS = 40
#: It is emptied, and half way.
FAILING = "Freezer B (−80 °C)"
#: Minutes since they began, and how many tubes: one spin is past its limit, one has begun just now.
SPINS = ((25, 2), (0, 3))

#: kind, name, parent's name, position in it.
CONTAINERS = (
    ("freezer_minus80", "Freezer A (−80 °C)", None, None),
    ("shelf", "A, shelf 1", "Freezer A (−80 °C)", "1"),
    ("drawer_rack", "A, rack 1", "A, shelf 1", "1"),
    ("tube_box_9x9", "Plasma 1", "A, rack 1", "1"),
    ("tube_box_9x9", "Plasma 2", "A, rack 1", "2"),
    ("tube_box_9x9", "Plasma 3", "A, rack 1", "3"),
    ("tube_box_10x10", "Blood 1", "A, rack 1", "4"),
    ("tube_box_8x12", "DNA 1", "A, rack 1", "5"),
    ("freezer_minus80", "Freezer B (−80 °C)", None, None),
    ("shelf", "B, shelf 1", "Freezer B (−80 °C)", "1"),
    ("drawer_rack", "B, rack 1", "B, shelf 1", "1"),
    ("tube_box_9x9", "Serum 1", "B, rack 1", "1"),
    ("drawer_rack", "B, rack 2", "B, shelf 1", "2"),
    ("tube_box_9x9", "Serum 2", "B, rack 2", "1"),
    ("ln2_tank", "Tank 1 (vapour)", None, None),
    ("drawer_rack", "Tank 1, rack 1", "Tank 1 (vapour)", "1"),
    ("tube_box_9x9", "PBMC 1", "Tank 1, rack 1", "1"),
    ("room_cabinet", "Block cabinet", None, None),
)

REQUESTS = (
    ("Plasma proteins before and after chemotherapy", ["HMB"], "non-profit", "draft"),
    ("A marker of early relapse in breast cancer", ["DS:C50"], "non-profit", "submitted"),
    ("Circulating DNA as a companion diagnostic", ["HMB"], "for-profit", "submitted"),
    ("Cytokines in plasma, a pilot", ["HMB"], "non-profit", "approved"),
    ("Lipids in plasma of survivors", ["HMB"], "non-profit", "picked"),
    ("Inflammation and fatigue", ["HMB"], "non-profit", "completed"),
    ("Ancestry of a population", ["POA"], "non-profit", "refused"),
)
#: What makes a request delicate: a person must look at it.
FLAGS = {"A marker of early relapse in breast cancer": ["one-sex"]}
#: The trial's samples are used until then: years from now.
TRIAL_YEARS = 15


#: (code, title, steps). Times and forces from the laboratory manual of the CHAT trial, 4.3 (nsrr/chat-documentation):
#: the spin within 30 minutes of the draw, 15 minutes at 2,000 g and 4 °C, plasma in 0.5 mL; serum clots 40 minutes and
#: is spun before 90, 1 × 1.0 mL and 8 × 0.5 mL; both are frozen at once. Minutes for braking and freezing are ours.
PROCEDURES: tuple[tuple[str, str, list[dict[str, Any]]], ...] = (
    ("SOP-PLASMA", "Plasma of EDTA blood", [
        {"key": "spin", "kind": "spin", "title": "Spin", "since": "collection", "start_within_min": 30,
         "min_minutes": 15, "max_minutes": 20, "warn_before_min": 2, "temperature_c": 4, "force_g": 2000,
         "note": "On wet ice until then. 10 min at 3,000 g is the same."},
        {"key": "aliquot", "kind": "aliquot", "title": "Aliquots of plasma",
         "parts": [{"count": 4, "volume_nl": 500_000, "type": "Plasma"}], "note": "A vial that is not full: P."},
        {"key": "freeze", "kind": "freeze", "title": "Freeze, upright", "since": "previous", "start_within_min": 15,
         "temperature_c": -80},
    ]),
    ("SOP-SERUM", "Serum of clotted blood", [
        {"key": "clot", "kind": "rest", "title": "Clot at room temperature", "since": "collection",
         "start_within_min": 30, "min_minutes": 40, "max_minutes": 90, "warn_before_min": 10, "temperature_c": 20},
        {"key": "spin", "kind": "spin", "title": "Spin", "since": "previous", "start_within_min": 50, "min_minutes": 15,
         "max_minutes": 20, "warn_before_min": 2, "temperature_c": 4, "force_g": 2000},
        {"key": "aliquot", "kind": "aliquot", "title": "Aliquots of serum",
         "parts": [{"count": 1, "volume_nl": 1_000_000, "type": "Serum"},
                   {"count": 8, "volume_nl": 500_000, "type": "Serum"}]},
        {"key": "freeze", "kind": "freeze", "title": "Freeze, upright", "since": "previous", "start_within_min": 15,
         "temperature_c": -80},
    ]),
)  # fmt: skip

STATION = "Reception bench"

#: (code, title, visit, tubes, procedure)
KIT: tuple[str, str, str, list[dict[str, Any]], str] = (
    "KIT-INCLUSION", "Inclusion: three EDTA tubes and one dry tube", "inclusion",
    [{"type": "WholeBlood", "label": "EDTA", "count": 3, "volume_nl": 4_000_000},
     {"type": "WholeBlood", "label": "Dry", "count": 1, "volume_nl": 5_000_000}],
    "SOP-PLASMA",
)  # fmt: skip
