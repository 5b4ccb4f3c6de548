"""The way out of this machine: the same proxy and certificates for every client, and its obstacles.

An obstacle is what asking again cannot mend. Imports no client: aiohttp reads SSL_CERT_FILE when it
is imported, after `prepare`.
"""

import email.utils
import logging
import re
import socket
import ssl
import time
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from pathlib import Path

from job.errors import JobError, PermissionDeniedError, UnavailableError

logger = logging.getLogger(__name__)

NEVER_BY_PROXY = (
    *("localhost", "127.0.0.1", "127.0.0.0/8", "::1"),
    *("metadata.google.internal", "169.254.169.254"),  # of a machine at Google
)
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # requests
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # OpenSSL, and with it httpx and aiohttp
NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE"}
BY_CLOCK = {9, 10}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
PROXY_ANSWER = re.compile(r"(?:Tunnel connection failed: )?(40[37])\b")
TOKEN_URL = "https://oauth2.googleapis.com/token"
WRAPPED_AS = ("cause", "reason", "os_error", "certificate_error")
LONGEST_REASON = 100
PRODUCT = Path("/sys/class/dmi/id/product_name")  # as google-auth finds out
CLOCK_IS_RIGHT_S = 30


def prepare(environ: MutableMapping[str, str], product: Path = PRODUCT) -> None:
    """Says to each client what only some read: call it before they are imported."""
    _agree_on_certificates(environ)
    _agree_on_proxies(environ)
    if is_at_google(product) is False:
        # Where there are no credentials Google's library waits 3 s for a server, three times.
        environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")


def is_at_google(product: Path = PRODUCT) -> bool | None:
    """Whether this is a machine of Google Cloud, by its hardware; None where that is not told."""
    try:
        return product.read_text(errors="replace").startswith("Google")
    except OSError:
        return None


def _agree_on_certificates(environ: MutableMapping[str, str]) -> None:
    for name in (*BUNDLES, *AUTHORITIES):
        if environ.get(name) and (problem := _unusable(Path(environ[name]))):
            logger.warning("%s=%s is not used: %s.", name, environ.pop(name), problem)
    bundle = next((environ[name] for name in BUNDLES if environ.get(name)), None)
    authority = next((environ[name] for name in AUTHORITIES if environ.get(name)), None)
    if bundle and not authority:
        environ["SSL_CERT_DIR" if Path(bundle).is_dir() else "SSL_CERT_FILE"] = bundle
    if authority and not bundle:
        environ["REQUESTS_CA_BUNDLE"] = authority


def _unusable(path: Path) -> str | None:
    try:
        if not path.is_dir():
            ssl.create_default_context(cafile=str(path))
    except (OSError, ssl.SSLError) as error:
        return "it holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
    return None


def _agree_on_proxies(environ: MutableMapping[str, str]) -> None:
    def given(name: str) -> str:
        return environ.get(name.lower(), environ.get(name, "")).strip()

    found = False
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        if proxy := given(name) or ("" if name.lower() in environ else given("ALL_PROXY")):
            found = True
            for case in (name, name.lower()):
                environ[case] = proxy if "://" in proxy else f"http://{proxy}"
    if found:
        without = [host for host in given("NO_PROXY").replace(" ", "").split(",") if host]
        without += [host for host in NEVER_BY_PROXY if host not in without]
        environ["NO_PROXY"] = environ["no_proxy"] = "*" if "*" in without else ",".join(without)


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it was raised from, as the clients wrap it, outermost first."""
    seen: set[int] = set()
    queue: list[object] = [error]
    while queue:
        each = queue.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        queue += [getattr(each, name, None) for name in WRAPPED_AS]
        queue += [each.__cause__, None if each.__suppress_context__ else each.__context__]
        queue += each.args


def short(error: BaseException) -> str:
    """The innermost reason, in few words, and whether a proxy stood between."""
    found = list(causes(error))
    told = [each.strerror for each in found if isinstance(each, OSError) and each.strerror]
    text = " ".join((told[-1] if told else str(error) or type(error).__name__).split())
    if len(text) > LONGEST_REASON:
        text = text[: LONGEST_REASON - 1] + "…"
    is_by_proxy = any("proxy" in type(each).__name__.lower() for each in found)
    return f"proxy: {text}" if is_by_proxy and "proxy" not in text.lower() else text


def is_obstacle(error: BaseException) -> bool:
    """Whether the same request would fail again, for a reason that lies in this network."""
    return _obstacle(error) is not None


def is_lasting(error: BaseException) -> bool:
    """Whether asking again is in vain: an obstacle, or credentials that are refused."""
    return is_obstacle(error) or _refused(error) is not None


def is_unknown_name(error: BaseException) -> bool:
    """Whether the server's own name, no proxy's, could not be looked up: mostly, no network."""
    found = list(causes(error))
    is_proxy = any("proxy" in type(each).__name__.lower() for each in found)
    return not is_proxy and any(_no_name(each, is_proxy) for each in found)


def lasting(subject: str, error: BaseException) -> JobError | None:
    """The error to show, a sentence with the remedy, for what asking again cannot mend."""
    if obstacle := _obstacle(error):
        return UnavailableError(f"{subject}: {obstacle}.")
    if refused := _refused(error):
        return PermissionDeniedError(f"{subject}: {_renewal(refused)}.")
    return None


def _obstacle(error: BaseException) -> str | None:
    found = list(causes(error))
    is_proxy = any("proxy" in type(each).__name__.lower() for each in found)
    for each in found:
        if obstacle := _bad_tls(each, is_proxy) or _no_name(each, is_proxy) or _bad_proxy(each):
            return obstacle
    return None


def _bad_tls(error: BaseException, is_proxy: bool) -> str | None:
    if isinstance(error, ssl.SSLCertVerificationError) and hasattr(error, "verify_code"):
        return _bad_certificate(error)
    if isinstance(error, ssl.SSLError) and getattr(error, "reason", "") in NO_TLS:
        whose, what = ("proxy", "HTTPS_PROXY") if is_proxy else ("server", "the address")
        return f"the {whose} does not speak TLS as this client does; check {what}"
    return None


def _no_name(error: BaseException, is_proxy: bool) -> str | None:
    if not isinstance(error, socket.gaierror) or error.errno not in NO_SUCH_NAME:
        return None
    if is_proxy:
        return f"the proxy's name does not exist ({error.strerror}); correct HTTPS_PROXY"
    return (
        f"the server's name does not exist ({error.strerror}); check its spelling and this "
        "machine's network, or set HTTPS_PROXY where a proxy is the only way out"
    )


def _bad_proxy(error: BaseException) -> str | None:
    if (status := _proxy_status(error)) == 407:
        return (
            "the proxy wants a user and a password (HTTP 407); set HTTPS_PROXY to "
            "http://USER:PASSWORD@HOST:PORT"
        )
    if status == 403:
        return (
            "the proxy lets nobody through to this server (HTTP 403); have it allowed, or name "
            "the server in NO_PROXY"
        )
    if re.search(r"\bsocks|only http proxies", str(error), re.IGNORECASE):
        return "a SOCKS proxy cannot be used; set HTTPS_PROXY to an http:// address"
    return None


def _proxy_status(error: BaseException) -> int | None:
    if "proxy" in type(error).__name__.lower() or "Tunnel connection failed" in str(error):
        status = getattr(error, "status", None)
        told = PROXY_ANSWER.match(str(error)) if status is None else None
        return int(told[1]) if told else status
    return 407 if 407 in (getattr(error, "code", None), getattr(error, "status", None)) else None


def _bad_certificate(error: ssl.SSLCertVerificationError) -> str:
    why = " ".join(error.verify_message.split())[:LONGEST_REASON]
    if error.verify_code in BY_CLOCK:
        now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        return (
            f"the server's certificate is not valid today ({why}; by this machine's clock it is "
            f"{now} UTC); set the clock if it is wrong, or tell the server's owner"
        )
    return (
        f"the server's certificate is not trusted ({why}); set REQUESTS_CA_BUNDLE and SSL_CERT_FILE"
        " to the file with your network's certificate authority"
    )


def _refused(error: BaseException) -> BaseException | None:
    """Google's word on credentials, where the reason is not that nobody was reached."""
    found = list(causes(error))
    if any(type(each).__name__ == "TransportError" for each in found):
        return None
    names = ("DefaultCredentialsError", "RefreshError", "ReauthFailError")
    return next((each for each in found if type(each).__name__ in names), None)


def _renewal(error: BaseException) -> str:
    why = short(error).rstrip(".")
    if type(error).__name__ == "DefaultCredentialsError":
        why = "there are none" if "were not found" in str(error) else why
        return (
            f"there are no credentials of Google Cloud ({why}); run gcloud auth "
            "application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
        )
    if re.search(r"short-lived|reasonable timeframe", str(error)):
        off = _clock_is_ahead_s()
        if off is None or abs(off) < CLOCK_IS_RIGHT_S:
            return f"the credentials were refused ({why}); check this machine's clock"
        return (
            f"the credentials were refused, for this machine's clock is {abs(off):.0f} s "
            f"{'ahead of' if off > 0 else 'behind'} the server's; set the clock"
        )
    return (
        f"the credentials were refused ({why}); renew them with gcloud auth application-default "
        "login, or with a new key file"
    )


def _clock_is_ahead_s() -> float | None:
    """By the Date of the server that gives tokens; None where it does not say."""
    import google.auth
    import requests
    from google.auth.exceptions import GoogleAuthError

    with suppress(GoogleAuthError, requests.RequestException, TypeError, ValueError):
        credentials, _ = google.auth.default()
        url = getattr(credentials, "token_uri", None) or getattr(credentials, "_token_uri", None)
        date = requests.head(url or TOKEN_URL, timeout=5).headers["Date"]
        return time.time() - email.utils.parsedate_to_datetime(date).timestamp()
    return None
