"""SOAP 1.1 envelopes, as far as the vendor's calls need them; prefixes are ignored on input."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from connectors.sandbox.salesforce.errors import ApiError

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
PARTNER, ENTERPRISE = "urn:partner.soap.sforce.com", "urn:enterprise.soap.sforce.com"
METADATA = "http://soap.sforce.com/2006/04/metadata"
TYPE = "xsi:type"
"""Key of a written mapping that says what kind of element it is."""
_FAULTS = "urn:fault.partner.soap.sforce.com"


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its name without namespace, its text, its type by `xsi:type`, and what is inside."""

    name: str
    text: str
    type: str = ""
    inner: Sequence["Element"] = field(default_factory=tuple)

    def all(self, name: str) -> list["Element"]:
        """The inner elements of a name."""
        return [found for found in self.inner if found.name == name]

    def find(self, name: str) -> "Element | None":
        """The first inner element of a name."""
        return next(iter(self.all(name)), None)

    def value(self, name: str) -> str:
        """The text of an inner element, empty without it."""
        found = self.find(name)
        return found.text if found else ""

    def texts(self, name: str) -> list[str]:
        """The texts of the inner elements of a name."""
        return [found.text for found in self.all(name)]


def parse(body: bytes) -> tuple[Element, Element]:
    """Header and the call of an envelope; raises SOAP's own fault code for what is no envelope."""
    if b"<!DOCTYPE" in body:
        raise ApiError("INVALID_SOAP", "a document type is not allowed")
    try:
        root = _element(ET.fromstring(body))  # noqa: S314 - without a document type there are no entities
    except ET.ParseError as error:
        raise ApiError("INVALID_SOAP", f"not XML: {error}") from None
    content = root.find("Body")
    if content is None or not content.inner:
        raise ApiError("INVALID_SOAP", "the envelope has no call in its body")
    return root.find("Header") or Element("Header", ""), content.inner[0]


def _element(node: ET.Element) -> Element:
    return Element(
        name=node.tag.rpartition("}")[2],
        text=(node.text or "").strip(),
        type=node.get(f"{{{_INSTANCE}}}type", "").rpartition(":")[2],
        inner=tuple(_element(child) for child in node),
    )


def answer(namespace: str, call: str, results: Sequence[Any]) -> bytes:
    """The answer of a call: one `result` each."""
    inner = "".join(_written("result", result) for result in results)
    return _wrapped(f'<{call}Response xmlns="{namespace}">{inner}</{call}Response>')


def fault(code: str, message: str) -> bytes:
    """The answer of a refused call; goes with HTTP 500."""
    kind = "LoginFault" if code == "INVALID_LOGIN" else "UnexpectedErrorFault"
    detail = f"<sf:exceptionCode>{code}</sf:exceptionCode><sf:exceptionMessage>{escape(message)}</sf:exceptionMessage>"
    return _wrapped(
        f'<soapenv:Fault xmlns:sf="{_FAULTS}"><faultcode>sf:{code}</faultcode>'
        f"<faultstring>{code}: {escape(message)}</faultstring>"
        f'<detail><sf:{kind} xsi:type="sf:{kind}">{detail}</sf:{kind}></detail></soapenv:Fault>'
    )


def _wrapped(content: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" xmlns:xsi="{_INSTANCE}">'
        f"<soapenv:Body>{content}</soapenv:Body></soapenv:Envelope>"
    ).encode()


def _written(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inner = "".join(_written(key, item) for key, item in value.items() if key != TYPE)
        kind = f' xsi:type="{value[TYPE]}"' if TYPE in value else ""
        return f"<{name}{kind}>{inner}</{name}>"
    if isinstance(value, list | tuple):
        return "".join(_written(name, item) for item in value)
    if value is None:
        return f'<{name} xsi:nil="true"/>'
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name}>{escape(text)}</{name}>"
