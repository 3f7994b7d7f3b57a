"""The pages of letters after a withdrawal: what is asked of whom, until when, and what was answered."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from biobank.access import service as access
from biobank.access.guard import requires
from biobank.access.permissions import Permission
from biobank.distribution import letter as letter_on_paper
from biobank.distribution import recalls as service
from biobank.distribution.page_parts import bp
from biobank.web import letters, pages, sentences
from biobank.web.asking import actor


@bp.get("/recalls/<int:key>")
@requires(Permission.CONSENT_RECORD)
def recall(key: int) -> ResponseReturnValue:
    """One letter: to whom, about which tubes, sent when, answered how."""
    return _recall(key)


@bp.get("/recalls/<int:key>/letter.pdf")
@requires(Permission.CONSENT_RECORD)
def recall_letter(key: int) -> ResponseReturnValue:
    """The letter to print or to send; `?language=fr` in French."""
    (found,) = service.letters([service.find_recall(key, actor())])
    with letters.in_language():
        return letters.answer(letter_on_paper.write(found), f"letter-{found.request.code}-{key}")


@bp.post("/recalls/<int:key>/sent")
@requires(Permission.CONSENT_RECORD)
def recall_sent(key: int) -> ResponseReturnValue:
    """The letter went out."""

    def work() -> str:
        service.mark_sent(recall=service.find_recall(key, actor()), by=actor())
        return url_for("distribution.recall", key=key)

    return pages.submit(work, again=lambda problems, sentence: _recall(key, problems, sentence))


@bp.post("/recalls/<int:key>/answer")
@requires(Permission.CONSENT_RECORD)
def recall_answer(key: int) -> ResponseReturnValue:
    """What the recipient answered."""

    def work() -> str:
        service.record_answer(
            recall=service.find_recall(key, actor()),
            answer=request.form.get("answer", ""),
            note=request.form.get("note", "")[:2000],
            by=actor(),
        )
        return url_for("distribution.recall", key=key)

    return pages.submit(work, again=lambda problems, sentence: _recall(key, problems, sentence))


def _recall(key: int, problems: dict[str, str] | None = None, sentence: str | None = None) -> Any:
    found = service.find_recall(key, actor())
    (letter,) = service.letters([found])
    people = {each for each in (found.sent_by, found.answered_by) if each}
    return pages.render(
        "distribution/recall.html",
        recall=found,
        letter=letter,
        void=service.is_void(found),
        names=access.names_of(people),
        answers=[(each, sentences.word("recall_answer", each)) for each in service.ANSWERS],
        problems=problems or {},
        sentence=sentence,
        typed=request.form,
    )
