"""python -m biobank.translations: takes new texts into every catalogue, compiles it, names what is left to translate.

The words themselves are written into fr/LC_MESSAGES/messages.po by hand; run this once more afterwards.
"""

import sys

import click

from biobank.translations import catalogues


def main() -> int:
    """Returns how many texts have no translation yet, as the exit status."""
    left = 0
    for language in catalogues.languages():
        catalog = catalogues.update(language)
        missing = catalogues.untranslated(catalog)
        click.echo(
            f"{language}: {len(catalogues.messages(catalog))} texts, {len(missing)} without a translation"
        )
        for message in missing:
            click.echo(
                f"  {message.locations[0][0] if message.locations else ''}: {catalogues.texts(message.id)[0]}"
            )
        left += len(missing)
    return min(left, 1)


if __name__ == "__main__":
    sys.exit(main())
