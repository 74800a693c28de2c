"""What is known of one set of published weights."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One set of weights.

    Attributes:
        files: ((address or "package==version:path in it", its checksum), ...); the first is opened. A checksum is the
            start of the sha256, `"md5:.."`, or `""` where the source gives none.
        options: The arguments of `keras_vid.create` that build the network that was trained.
        labels: Name of a file in keras_vid/weights/labels, or None.
        accuracy: Top-1 in percent as the source reports it, under its protocol.
        view: What of `keras_vid.view.ClipView` the weights want of a video beside the network's own: `fps`, `stride`,
            `dense`.
    """

    files: tuple
    source: str
    licence: str
    options: dict = field(default_factory=dict)
    labels: str | None = None
    accuracy: float | None = None
    protocol: str = ""
    view: dict = field(default_factory=dict)
