"""What an ablation table is: rows of networks with options, and what the paper says of each."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        name: As the paper calls it.
        model: A network's name, or one without its backbone (`"stm"` for `stm_resnet50`).
        options: Of the network's constructor.
        fields: Fields of the recipe in which this row differs from the others.
        paper: The paper's numbers: "top1", "top5" (percent), "parameters" (millions), "macs" (billions), and "reverse"
            (top-1 on frames played backwards).
        series: In a figure, the line that the row is a point of.
    """

    name: str
    model: str
    options: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)
    paper: dict = field(default_factory=dict)
    series: str = ""


@dataclass(frozen=True)
class Table:
    """One table or figure.

    Attributes:
        title: What it asks.
        source: The paper and its table.
        dataset: What the paper trained on: the rows' recipe is that of `main` on it.
        main: The network whose recipe all rows are trained by.
        fields: Fields of that recipe that the table's own protocol changes.
        reverse: Test on frames played backwards, too.
        plot: Draw accuracy against multiply-adds, as the paper does.
        backbone: Of the networks that stand on an image network.
        note: What the reader has to know.
    """

    title: str
    source: str
    dataset: str
    main: str
    rows: tuple
    fields: dict = field(default_factory=dict)
    reverse: bool = False
    plot: bool = False
    backbone: str = "resnet50"
    note: str = ""


def numbers(top1=None, top5=None, parameters=None, macs=None, reverse=None):
    """The numbers of a paper, those that it gives."""
    given = {"top1": top1, "top5": top5, "parameters": parameters, "macs": macs, "reverse": reverse}
    return {name: value for name, value in given.items() if value is not None}
