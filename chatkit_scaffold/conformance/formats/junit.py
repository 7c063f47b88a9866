"""The report as JUnit XML, for CI systems."""

from xml.etree import ElementTree as ET  # nosec B405 # writes XML and reads none

from chatkit_scaffold.conformance.check import Level, Outcome
from chatkit_scaffold.conformance.report import Report
from chatkit_scaffold.conformance.result import Result


def render(report: Report, *, strict: bool = False) -> str:
    """Return one suite per family; a failed SHOULD is output only, unless *strict*."""
    suites = ET.Element("testsuites", name="chatkit-scaffold check")
    for family, results in report.by_family().items():
        suite = ET.SubElement(suites, "testsuite", name=family, tests=str(len(results)))
        for result in results:
            _add_case(suite, result, strict=strict)
        suite.set("failures", str(len(suite.findall("testcase/failure"))))
        suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
        suite.set("errors", str(len(suite.findall("testcase/error"))))
    if leftovers := report.leftovers():
        # Only a suite can have output.
        suite = ET.SubElement(suites, "testsuite", name="clean-up", tests="0")
        ET.SubElement(suite, "system-out").text = "\n".join(leftovers)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _add_case(suite: ET.Element, result: Result, *, strict: bool) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        name=result.check.id,
        classname=f"chatkit.{result.check.family}",
        time=f"{result.seconds:.3f}",
    )
    if result.outcome is Outcome.FAILED:
        required = strict or result.level is Level.MUST
        element = ET.SubElement(case, "failure" if required else "system-out")
        element.text = result.details()
        if required:
            element.set("message", result.check.title)
    elif result.outcome is Outcome.SKIPPED:
        ET.SubElement(case, "skipped", message=result.reason)
    elif result.outcome is Outcome.UNTESTABLE:
        # Neither a pass nor a failure of the server, which JUnit calls an error.
        ET.SubElement(case, "error", message=f"untestable: {result.reason}")
