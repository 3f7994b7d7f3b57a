"""What storage says when it refuses, and the names of the kinds. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "container_full": N_("{container} is full: {capacity} go in."),
    "container_has_no_positions": N_("{kind}: things stand in it without places of their own."),
    "container_in_itself": N_("{child} cannot stand in {container}, which stands in it."),
    "container_kind_gone": N_("{container} is of the kind {given}, which this bank no longer has."),
    "container_kind_unknown": N_("There is no kind of container {given}; there are: {known}."),
    "container_name_needed": N_("A container needs a name."),
    "container_unknown": N_("There is no container {container}."),
    "discard_not_sure": N_("Say that you are sure: nothing brings it back."),
    "destruction_confirmed_already": N_(
        "{sample} is in somebody's hand already; now another person witnesses it."
    ),
    "destruction_ended": N_("That {sample} be destroyed is settled already."),
    "destruction_no_longer_asked": N_(
        "{sample} is not to be destroyed any more: whose it is was corrected, or the withdrawal no longer covers it."
    ),
    "destruction_not_asked": N_("Nobody asked for {sample} to be destroyed. Put it back."),
    "destruction_not_confirmed": N_("Nobody has {sample} in hand yet; that comes before it is destroyed."),
    "destruction_not_here": N_("{sample} is not in our hands."),
    "destruction_same_person": N_("You have {sample} in hand: somebody else must see it destroyed."),
    "destruction_still_asked": N_("{sample}: the withdrawal still stands, and wants it destroyed."),
    "destruction_takes_two": N_("{sample} is to be destroyed by two people: see Destructions."),
    "destruction_unknown": N_("There is no destruction task {task}."),
    "destruction_wrong_tube": N_("{sample} is the wrong tube: {expected} is to be destroyed. Put it back."),
    "does_not_fit": N_("{kind}: {thing} cannot stand in it."),
    "place_empty": N_("Nothing stands at {position} in {container}."),
    "placed_before_last": N_(
        "It cannot have happened {happened}: where it stands now is known from {before}."
    ),
    "placing_time_needed": N_("Say when it was put there; a day is enough."),
    "position_needed": N_("{container}: say which place."),
    "position_outside": N_("{kind}: there is no place {position}. Its places go from {first} to {last}."),
    "position_taken": N_("{position} in {container} is taken by {occupant}."),
    "position_unreadable": N_("{kind}: “{position}” is not a place. Its places go from {first} to {last}."),
    "position_without_parent": N_("A place was given, but not in which container."),
    "reason_needed": N_("Say why."),
    "scan_one_thing": N_("Give one of sample and container."),
    "scanned_unknown": N_("Nothing here has the code {scanned}. Nothing was moved."),
    "stands_already": N_("{code} stands in {container} already ({position})."),
    "stands_nowhere": N_("{code} stands nowhere."),
    "stood_nowhere": N_("{code} has not stood anywhere yet; say where it goes."),
}

# The labels of config/containers.toml, here so that they are found for translation. A site's own kinds keep theirs.
KIND_LABELS: dict[str, str] = {
    "drawer_rack": N_("Drawer rack"),
    "freezer_minus80": N_("−80 °C freezer"),
    "fridge_4c": N_("Refrigerator, 4 °C"),
    "ln2_tank": N_("Liquid nitrogen tank"),
    "room_cabinet": N_("Cabinet at room temperature"),
    "shelf": N_("Shelf"),
    "slide_box": N_("Slide box, 100 slides"),
    "straw_canister": N_("Straw canister"),
    "tube_box_10x10": N_("Tube box, 10 × 10"),
    "tube_box_4x6": N_("Tube rack, 4 × 6"),
    "tube_box_6x8": N_("Tube rack, 6 × 8"),
    "tube_box_8x12": N_("Tube rack, 8 × 12"),
    "tube_box_9x9": N_("Tube box, 9 × 9"),
    "unpositioned_shelf": N_("Shelf without places"),
}

# A sentence names a container's kind by its label; a thing is the key of a kind, or a vessel.
WORDS: dict[str, str] = {
    "destruction_reason.Consent withdrawn": N_("Consent withdrawn"),
    **{f"kind.{label}": label for label in KIND_LABELS.values()},
    **{f"thing.{key}": label for key, label in KIND_LABELS.items()},
    "thing.block": N_("block"),
    "thing.cassette": N_("cassette"),
    "thing.slide": N_("slide"),
    "thing.straw": N_("straw"),
    "thing.tube": N_("tube"),
}
