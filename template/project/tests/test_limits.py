"""How many messages a user may send, and how long they may be."""

import json
import re

import pytest

from app.base import ChatStore
from app.common_settings import CommonSettings
from app.errors import ApiError, StartupError
from app.preconditions import MAX_ITEMS
from app.rates import MessageLimits, network_of
from app.settings import load_settings
from tests.backend import Backend, StartBackend, message

pytestmark = pytest.mark.anyio


def limits_of(store: ChatStore, rate: str, address_rate: str = "0") -> MessageLimits:
    """Return limits that are counted where the backend counts them."""
    settings = CommonSettings(rate_limit=rate, address_rate_limit=address_rate)
    return MessageLimits(settings, store.counters())


async def test_user_is_limited(store: ChatStore) -> None:
    """A message too many is a 429 that says when to try again; other users are not affected."""
    limits = limits_of(store, "3/hour")
    for _ in range(3):
        await limits.count("alice", "192.0.2.1")
    with pytest.raises(ApiError) as refused:
        await limits.count("alice", "192.0.2.2")
    assert (refused.value.status, refused.value.code) == (429, "too_many_messages")
    assert 0 < int(refused.value.headers["Retry-After"]) <= 3600
    await limits.count("bob", "192.0.2.1")


async def test_address_is_limited(store: ChatStore) -> None:
    """All users of an address share its limit; what one of them sends in vain does not count."""
    limits = limits_of(store, "2/hour", "3/hour")
    for _ in range(2):
        await limits.count("alice", "192.0.2.1")
    for _ in range(5):
        with pytest.raises(ApiError):
            await limits.count("alice", "192.0.2.1")
    await limits.count("bob", "192.0.2.1")
    with pytest.raises(ApiError):
        await limits.count("carol", "192.0.2.1")
    await limits.count("carol", "192.0.2.2")
    await limits.count("dave", None)


async def test_several_rates(store: ChatStore) -> None:
    """A short burst and a long period can both be limited."""
    limits = limits_of(store, "5/hour;2/day")
    for _ in range(2):
        await limits.count("alice", None)
    with pytest.raises(ApiError):
        await limits.count("alice", None)


async def test_no_limit(store: ChatStore) -> None:
    """`0` switches a limit off."""
    limits = limits_of(store, "0")
    for _ in range(100):
        await limits.count("alice", "192.0.2.1")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unknown", "unknown"),
    ],
)
async def test_addresses_of_one_client_count_as_one(address: str, network: str) -> None:
    """An IPv6 client has a whole network to choose from."""
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        *(
            ("RATE_LIMIT", rate, f"is '{rate}'; use a rate such as 60/minute")
            for rate in ("lots", "60", "0/minute", "60/fortnight", "change-me", "-1/day")
        ),
        ("ALLOWED_HOSTS", "a.example, b:80", "has 'b:80'; use names without a port"),
        ("FORWARDED_ALLOW_IPS", "127.0.0.1,proxy", "has 'proxy'; use addresses or networks"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.1/8", "has '10.0.0.1/8'; use addresses or networks"),
    ],
)
async def test_wrong_setting_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    store_env: dict[str, str],
    agent_env: dict[str, str],
    auth_env: dict[str, str],
    variable: str,
    value: str,
    problem: str,
) -> None:
    """A setting that cannot be understood does not start, with an example of one that can."""
    for name, found in {**store_env, **agent_env, **auth_env, variable: value}.items():
        monkeypatch.setenv(name, found)
    with pytest.raises(StartupError, match=re.escape(f"{variable} {problem}")):
        load_settings()


@pytest.mark.parametrize("proxies", ["*", "10.0.0.0/8, ::1", "2001:db8::/32,"])
def test_proxies_are_addresses_or_networks(proxies: str) -> None:
    """Every form that the server understands is accepted."""
    assert CommonSettings(forwarded_allow_ips=proxies).forwarded_allow_ips == proxies


def test_refusal_reaches_the_page(start_backend: StartBackend) -> None:
    """A page can read a 429 and when to try again; other requests are not limited."""
    backend = start_backend(RATE_LIMIT="1/hour", MAX_MESSAGE_CHARS="10")
    client = backend.client()
    thread_id = client.create_thread("x" * 10).thread_id
    params = {"thread_id": thread_id, "input": message("more")}
    body = json.dumps({"type": "threads.add_user_message", "params": params}).encode()
    refused = client.post_raw(body, Origin="http://localhost:3000")
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_messages"
    assert int(refused.headers["Retry-After"]) > 0
    assert "Retry-After" in refused.headers["access-control-expose-headers"]
    assert len(client.items(thread_id)) == 2
    too_long = client.post("threads.create", input=message("x" * 11))
    assert (too_long.status_code, too_long.json()["error"]["code"]) == (400, "too_long")


def test_number_of_items_is_limited(backend: Backend) -> None:
    """Feedback on as many items as allowed is processed, and on one more refused."""
    client = backend.client()
    thread_id = client.create_thread("Hi").thread_id

    def status(number: int) -> int:
        ids = [f"msg_{index}" for index in range(number)]
        return client.post(
            "items.feedback", thread_id=thread_id, item_ids=ids, kind="positive"
        ).status_code

    assert (status(MAX_ITEMS), status(MAX_ITEMS + 1)) == (404, 400)


def test_number_of_parts_is_limited(backend: Backend) -> None:
    """A message may have as many parts and attachments as allowed, and not one more."""
    client = backend.client()

    def parts(number: int) -> dict[str, object]:
        return {**message(""), "content": [{"type": "input_text", "text": "x"}] * number}

    assert client.stream("threads.create", input=parts(MAX_ITEMS)).text
    refused = client.post("threads.create", input=parts(MAX_ITEMS + 1))
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "too_many_items")
