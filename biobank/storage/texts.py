"""What storage says when it refuses, and the names of the kinds. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "suggest_count": N_("Say for how many tubes: from 1 to {most}."),
    "suggest_nothing": N_("There is no place to reserve."),
    "suggest_of_what": N_("Say of which study and which type the tubes are."),
    "suggest_vessel": N_("{vessel}: nothing here is made for it."),
    "temperature_of_box": N_("{container} is a box: it is as cold as what it stands in."),
    "temperature_refused": N_(
        "{name} ({container}) is kept at {temperature}. {type} is kept from {warmest} to {coldest}, and not put there: "
        "{sample}."
    ),
    "temperature_unusual": N_(
        "{name} ({container}) is kept at {temperature}. {type} is usually kept from {warmest} to {coldest}: {sample}."
    ),
    "temperature_unknown": N_("There is no storage temperature {given}; there are: {known}."),
    "build_levels_or_line": N_("Give the levels, or all of them in one line; not both."),
    "build_one_of_two": N_("Say what kind of freezer is built, or into which container; one of the two."),
    "layout_line_empty": N_("Say what goes into it, such as “5 shelves × 4 racks × 24 boxes 9×9”."),
    "layout_too_deep": N_("No more than {most} levels go into one another."),
    "layout_too_large": N_("Level {level}: that makes {count} containers; up to {most} are built in one go."),
    "layout_word_unknown": N_("Level {level}: “{given}” is no kind of container."),
    "level_count": N_("Level {level}: “{given}” is no number of containers."),
    "level_does_not_fit": N_("Level {level}: {thing} cannot stand in {kind}."),
    "level_too_many": N_(
        "Level {level}: {count} × {thing} do not go into {kind}, which has room for {capacity}."
    ),
    "name_part_unknown": N_("Level {level}: {given} is no part of a name; there are {known}."),
    "accepts_families_apart": N_("Samples of one family go to different places."),
    "accepts_families_together": N_("Samples of one family go beside each other."),
    "accepts_studies": N_("Only samples of {studies}."),
    "accepts_types": N_("Only {types}."),
    "accepts_temperature": N_("Kept at {temperature}."),
    "cold_minutes_block": N_("{minutes} minutes out of the cold; {limit} are allowed."),
    "cold_minutes_warn": N_("{minutes} minutes out of the cold; {limit} are the most to aim at."),
    "cold_thaws_block": N_("Thawed {times} times; {limit} are allowed."),
    "cold_thaws_warn": N_("Thawed {times} times; {limit} are the most to aim at."),
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
    "families_unknown": N_("Families go {known}, not {given}."),
    "look_back_at": N_("Say which day, or which instant, to look back at."),
    "minutes_out_of_range": N_("Give whole minutes, from 1 to {most}."),
    "never_frozen": N_("{sample} was never frozen, so it cannot thaw."),
    "out_too_long": N_("{sample} was {minutes} minutes out of the cold; its type is allowed {limit}."),
    "place_empty": N_("Nothing stands at {position} in {container}."),
    "placement_unknown": N_("There is no placement {placement}."),
    "placed_before_last": N_(
        "It cannot have happened {happened}: where it stands now is known from {before}."
    ),
    "placing_time_needed": N_("Say when it was put there; a day is enough."),
    "position_blocked": N_("{position} in {container} is blocked: {why}."),
    "position_needed": N_("{container}: say which place."),
    "position_outside": N_("{kind}: there is no place {position}. Its places go from {first} to {last}."),
    "position_not_blocked": N_("{position} in {container} is not blocked."),
    "position_reserved": N_("{position} in {container} is kept for {who} until {clock}."),
    "position_taken": N_("{position} in {container} is taken by {occupant}."),
    "position_unreadable": N_("{kind}: “{position}” is not a place. Its places go from {first} to {last}."),
    "position_without_parent": N_("A place was given, but not in which container."),
    "positions_or_count": N_("Give the places, or how many; one of the two."),
    "reason_needed": N_("Say why."),
    "reservation_lapsed": N_(
        "Your reservation of {position} in {container} lapsed at {clock}, and {occupant} stands there now. "
        "Nothing was moved."
    ),
    "reservation_lapsed_free": N_(
        "Your reservation of {position} in {container} lapsed at {clock}. The place is still free, and yours again for "
        "{minutes} minutes: confirm by doing it again."
    ),
    "scan_one_thing": N_("Give one of sample and container."),
    "scanned_unknown": N_("Nothing here has the code {scanned}. Nothing was moved."),
    "stands_already": N_("{code} stands in {container} already ({position})."),
    "stands_nowhere": N_("{code} stands nowhere."),
    "study_not_accepted": N_("{name} ({container}) takes only {accepted}: {sample} is of {study}."),
    "too_few_places": N_("{container} has {free} free places; {asked} were asked."),
    "too_many_thaws": N_("{sample} was thawed {times} times; its type is allowed {limit}."),
    "type_not_accepted": N_("{name} ({container}) takes only {accepted}: {sample} is {type}."),
    "undo_destroyed_by_two": N_(
        "Two people saw {sample} destroyed: it stays so. If it is there all the same, enter it as a new tube."
    ),
    "undo_discard_late": N_(
        "{sample} was discarded more than {minutes} minutes ago. If it is there all the same, enter it as a new tube."
    ),
    "undo_discard_of_another": N_(
        "Somebody else discarded {sample}: only they take it back, within the hour."
    ),
    "undo_withdrawn_since": N_("{sample} stays discarded: the consent was withdrawn meanwhile."),
    "undo_not_last": N_("{code} was moved since: this can no longer be taken back."),
    "stood_nowhere": N_("{code} has not stood anywhere yet; say where it goes."),
}

# The labels of config/containers.toml, here so that they are found for translation. A site's own kinds keep theirs.
KIND_LABELS: dict[str, str] = {
    "chest_freezer_minus80": N_("−80 °C chest freezer"),
    "drawer": N_("Drawer"),
    "drawer_rack": N_("Drawer rack"),
    "freezer_minus150": N_("−150 °C freezer"),
    "freezer_minus20": N_("−20 °C freezer"),
    "freezer_minus80": N_("−80 °C freezer"),
    "fridge_4c": N_("Refrigerator, 4 °C"),
    "ln2_tank": N_("Liquid nitrogen tank"),
    "puck": N_("Puck, 16 pins"),
    "rack_with_drawers": N_("Rack with drawers"),
    "room_cabinet": N_("Cabinet at room temperature"),
    "shelf": N_("Shelf"),
    "slide_box": N_("Slide box, 100 slides"),
    "straw_canister": N_("Straw canister"),
    "tube_box_10x10": N_("Tube box, 10 × 10"),
    "tube_box_13x13": N_("Tube box, 13 × 13"),
    "tube_box_4x6": N_("Tube rack, 4 × 6"),
    "tube_box_5x5": N_("Tube box, 5 × 5"),
    "tube_box_6x8": N_("Tube rack, 6 × 8"),
    "tube_box_8x12": N_("Tube rack, 8 × 12"),
    "tube_box_9x9": N_("Tube box, 9 × 9"),
    "unpositioned_shelf": N_("Shelf without places"),
    "vertical_rack": N_("Vertical rack"),
}

# What containers are called that are built many at a time, unless somebody says otherwise.
CONTAINER_NAMES: dict[str, str] = {
    "shelf": N_("Shelf {n}"),
    "unpositioned_shelf": N_("Shelf {n}"),
    "drawer_rack": N_("Rack {a}"),
    "rack_with_drawers": N_("Rack {a}"),
    "vertical_rack": N_("Rack {all}"),
    "drawer": N_("Drawer {n}"),
    "straw_canister": N_("Canister {n}"),
    "slide_box": N_("Slides {all}"),
    **dict.fromkeys(
        (
            "tube_box_9x9", "tube_box_10x10", "tube_box_5x5", "tube_box_13x13", "tube_box_8x12", "tube_box_6x8",
            "tube_box_4x6",
        ),
        N_("Box {all}"),
    ),
}  # fmt: skip

#: By the internal keys of config/vocabularies/miabis_storage_temperature.csv.
TEMPERATURE_NAMES: dict[str, str] = {
    "RT": N_("room temperature"),
    "2to10": N_("2 to 10 °C"),
    "-35to-18": N_("−35 to −18 °C"),
    "-85to-60": N_("−85 to −60 °C"),
    "lt-135": N_("below −135 °C"),
    "LN": N_("liquid nitrogen"),
    "Other": N_("another temperature"),
}

# A sentence names a container's kind by its label; a thing is the key of a kind, or a vessel.
WORDS: dict[str, str] = {
    "sample_age.under_1": N_("less than a year"),
    "sample_age.from_1": N_("1 to 2 years"),
    "sample_age.from_2": N_("2 to 5 years"),
    "sample_age.from_5": N_("5 to 10 years"),
    "sample_age.from_10": N_("10 years and more"),
    "sample_age.unknown": N_("time unknown"),
    "consent_colour.green": N_("may be used"),
    "consent_colour.amber": N_("a person must look"),
    "consent_colour.red": N_("may not be used"),
    "consent_colour.unknown": N_("not known"),
    "thaws.0": N_("never thawed"),
    "thaws.1": N_("thawed once"),
    "thaws.2": N_("thawed twice"),
    "thaws.more": N_("thawed 3 times or more"),
    "cold_limit.ok": N_("within the limits"),
    "cold_limit.warn": N_("near a limit"),
    "cold_limit.block": N_("over a limit"),
    **{
        f"{name}.{key}": label
        for name in ("temperature", "warmest", "coldest")
        for key, label in TEMPERATURE_NAMES.items()
    },
    "destruction_reason.Consent withdrawn": N_("Consent withdrawn"),
    **{f"kind.{label}": label for label in KIND_LABELS.values()},
    **{f"thing.{key}": label for key, label in KIND_LABELS.items()},
    "thing.block": N_("block"),
    "thing.cassette": N_("cassette"),
    "thing.slide": N_("slide"),
    "thing.straw": N_("straw"),
    "thing.tube": N_("tube"),
}
