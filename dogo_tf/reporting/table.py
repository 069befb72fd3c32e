"""Tables for terminals and README files."""

from dogo_tf.reporting.plain_text import printable


def text_table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table whose columns line up: the first column to the left, the others to the right."""
    head, *rows = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]

    def line(cells):
        aligned = [
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(aligned)} |"

    rule = (
        "|"
        + "|".join(
            "-" * (width + 2 if k == 0 else width + 1) + ("" if k == 0 else ":") for k, width in enumerate(widths)
        )
        + "|"
    )
    return "\n".join([line(head), rule, *(line(row) for row in rows)])


def percent(share: float) -> str:
    """0..1 -> "12.3"."""
    return f"{100 * share:.1f}"
