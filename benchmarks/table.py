"""The rows that benchmarks print."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison.

    Attributes:
        name: What is compared, such as `memory ÷ quickstart`.
        detail: The figures behind the ratio, with their unit.
        ratio: The result; None if *detail* is all there is.
        at_least: The smallest ratio that is wanted.
        at_most: The largest ratio that is wanted.
    """

    name: str
    detail: str
    ratio: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    def as_text(self) -> str:
        """Return the row as one line of a table with fixed columns."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return f"{self.name:<50}{ratio:>7}  {self._wanted():<9}{self._verdict():<8}{self.detail}"

    def as_markdown(self) -> str:
        """Return the row for a README."""
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return f"| {self.name} | {ratio} | {self._wanted()} | {self.detail} |"

    def _wanted(self) -> str:
        if self.at_least is not None:
            return f"≥ {self.at_least:g}"
        return "" if self.at_most is None else f"≤ {self.at_most:g}"

    def _verdict(self) -> str:
        if self.ratio is None or not self._wanted():
            return ""
        low, high = self.at_least or 0, self.at_most or float("inf")
        return "yes" if low <= self.ratio <= high else "no"
