"""What quality says, and what it says when it refuses. English; every sentence is translated."""

from biobank.core.i18n import N_

TEXTS: dict[str, str] = {
    "action_needed": N_("Say what was done about it."),
    "another_tube": N_(
        "That is {scanned}. The record says that {expected} stands here. Scan again, or say that another tube stands "
        "here."
    ),
    "discrepancy_of_nobody": N_("Nobody knows what {found} is. Find out and register it, or dismiss it and say why."),
    "discrepancy_settled": N_("This difference is settled already."),
    "discrepancy_unknown": N_("There is no difference {discrepancy}."),
    "inventory_closed": N_("Inventory {inventory} is closed."),
    "inventory_count": N_("Give a number from 1 to {most}."),
    "inventory_kind": N_("An inventory is random or whole, not {given}."),
    "inventory_line_unknown": N_("Inventory {inventory} has no line {line}."),
    "inventory_rack_turned": N_(
        "The rack seems to have been read the other way round: most codes fit when it is turned. Say so, or turn it "
        "and read it again."
    ),
    "inventory_unknown": N_("There is no inventory {inventory}."),
    "lost_takes_two": N_(
        "Two people are to destroy {sample}. You noticed that it is missing: somebody else says that it is lost."
    ),
    "line_checked": N_("{sample} was looked at already: {outcome}."),
    "non_conformity_closed": N_("Somebody has dealt with it already."),
    "non_conformity_code_unknown": N_("{given} is not on the list of what can be wrong. Known are {known}."),
    "non_conformity_unknown": N_("There is no non-conformity {item}."),
    "nothing_to_check": N_("Nothing stands in {container}."),
    "outcome_unknown": N_("{given} is not what one finds. Known are {known}."),
    "scan_of_another_box": N_("This scan is of {container}: inventory {inventory} looks for nothing there any more."),
    "scan_or_outcome": N_("Give what was scanned, or what is there otherwise: one of the two."),
    "scanned_a_container": N_("{scanned} is no tube: it is a container. Scan the tube that stands here."),
    "scanned_the_box": N_("That is the box. Scan the tube that stands here."),
    "stage_unknown": N_("{given} is not a stage. Known are {known}."),
    "way_unknown": N_("{given} settles nothing. Known are {known}."),
}  # fmt: skip

WORDS: dict[str, str] = {
    "discrepancy.foreign": N_("Does not belong there"),
    "discrepancy.missing": N_("Missing"),
    "discrepancy.moved": N_("Stands elsewhere"),
    "discrepancy.unreadable": N_("Unreadable"),
    "discrepancy_source.bench": N_("at the bench"),
    "discrepancy_source.inventory": N_("inventory"),
    "discrepancy_source.pick": N_("while fetching"),
    "discrepancy_source.rack_scan": N_("scan of a rack"),
    "discrepancy_way.dismissed": N_("dismissed"),
    "discrepancy_way.found": N_("found"),
    "discrepancy_way.lost": N_("lost"),
    "discrepancy_way.put_right": N_("put right"),
    "inventory_kind.random": N_("Random sample"),
    "inventory_kind.whole": N_("Everything"),
    "non_conformity.attempted": N_("Not collected: attempted"),
    "non_conformity.broken": N_("Tube broken"),
    "non_conformity.clotted_long": N_("Clotted more than 2 hours"),
    "non_conformity.clotted_short": N_("Clotted less than 30 minutes"),
    "non_conformity.discard": N_("To be discarded"),
    "non_conformity.gel_layer_failed": N_("Gel layer failed"),
    "non_conformity.haemolysis": N_("Haemolysis"),
    "non_conformity.insufficient_volume": N_("Insufficient volume"),
    "non_conformity.leaked": N_("Leaked"),
    "non_conformity.low_volume": N_("Low volume"),
    "non_conformity.mislabelled_discard": N_("Mislabelled: to be discarded"),
    "non_conformity.mislabelled_resolved": N_("Mislabelled: put right"),
    "non_conformity.no_supply": N_("Not collected: no supply"),
    "non_conformity.not_collected_other": N_("Not collected: other reason"),
    "non_conformity.not_found": N_("Not found"),
    "non_conformity.other": N_("Other"),
    "non_conformity.outside_contaminated": N_("Outside contaminated"),
    "non_conformity.refusal": N_("Not collected: refusal"),
    "non_conformity.short_draw": N_("Not collected: short draw"),
    "non_conformity.spin_force_high": N_("Spin force too high"),
    "non_conformity.spin_force_low": N_("Spin force too low"),
    "non_conformity.spin_time_long": N_("Spin time too long"),
    "non_conformity.spin_time_short": N_("Spin time too short"),
    "non_conformity.temperature_high": N_("Temperature too high"),
    "non_conformity.temperature_low": N_("Temperature too low or frozen"),
    "non_conformity.unexpected_tube_type": N_("Unexpected tube type"),
    "outcome.missing": N_("missing"),
    "outcome.other": N_("another tube"),
    "outcome.right": N_("right"),
    "outcome.unreadable": N_("unreadable"),
    "stage.arrival": N_("Arrival"),
    "stage.processing": N_("Processing"),
    "stage.storage": N_("Storage"),
    "stage.transfer": N_("Transfer"),
}
