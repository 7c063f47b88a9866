"""The `Cookie` header, as browsers send it."""


def read_cookies(header: str) -> dict[str, str]:
    """Return the cookies of a header by name, with their values unchanged.

    Reads what browsers send: `http.cookies` returns no cookie at all if one of them has a value
    such as JSON.

    Source: RFC 6265, section 4.2.1, without its restrictions on values.
    """
    pairs = (pair.partition("=") for pair in header.split(";"))
    return {name.strip(): value.strip() for name, equals, value in pairs if equals and name.strip()}
