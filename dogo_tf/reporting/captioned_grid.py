"""A picture of many images with a few lines of text under each."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

CELL_SIDE = 144  # pixels that an image gets at least, so that about 20 letters fit below it
GAP = 12
FRAME = 4
FONT_SIZE = 12
LINE = 15


def captioned_grid(
    images, captions=None, columns: int = 6, title: str = "", headings=(), framed: int | None = None
) -> Image.Image:
    """Row by row, each image with its caption below; small images are magnified by a whole factor.

    Args:
        images: uint8 [S, S, 3], one or more; all are shown at the size of the first.
        captions: for each image the same number of lines, as strings; a line too long for its column ends in an ellipsis; None:
            no captions. columns: images in a row.
        title: a line over everything. headings: for each column the same number of lines.
        framed: the number of an image that gets a frame.
    """
    count, side = len(images), images[0].shape[0]
    captions = [()] * count if captions is None else captions
    columns = min(columns, count)
    rows = -(-count // columns)
    factor = max(1, -(-CELL_SIDE // side))
    width = side * factor
    below = 0 if framed is None else FRAME  # captions begin below a frame; the gap has room
    step_x, step_y = width + GAP, width + LINE * len(captions[0]) + GAP
    top = GAP + (LINE + GAP if title else 0) + (LINE * len(headings[0]) if headings else 0)
    picture = Image.new("RGB", (columns * step_x + GAP, top + rows * step_y), "white")
    draw, font = ImageDraw.Draw(picture), _font()
    draw.text((GAP, GAP), fitting(title, picture.width - 2 * GAP, font), "black", font)
    for column, lines in enumerate(headings):
        for index, line in enumerate(reversed(lines), start=1):
            draw.text((GAP + column * step_x, top - LINE * index), fitting(line, width, font), "black", font)
    for number, (image, lines) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        x, y = GAP + column * step_x, top + row * step_y
        if number == framed:
            draw.rectangle((x - FRAME, y - FRAME, x + width + FRAME - 1, y + width + FRAME - 1), "black")
        picture.paste(Image.fromarray(image).resize((width, width), Image.Resampling.NEAREST), (x, y))
        for index, line in enumerate(lines):
            draw.text((x, y + width + below + LINE * index), fitting(line, width, font), "black", font)
    return picture


def fitting(text: str, width: int, font) -> str:
    """`text`, or as much of its beginning as fits into `width` pixels with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _font():
    # Matplotlib's: Pillow's own font knows no letters beyond Latin.
    import matplotlib  # for its font alone, and slow to load

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", FONT_SIZE)
