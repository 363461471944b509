"""A mail server of aiosmtpd for the tests: it listens at a port of its own, which is its first line of output.

Each mail that it takes is a line of JSON. Its input is held by the test, and its end is the server's.
"""

import asyncio
import email.policy
import json
import logging
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Handler:
    """Answers each mail as the script says, and then takes everything."""

    def __init__(self, script):
        self.script = script

    async def handle_DATA(self, server, session, envelope):
        step = self.script.pop(0) if self.script else "take"
        tell(tried=step)
        if step == "hang":
            await asyncio.Event().wait()
        if step == "cut":
            server.transport.abort()
            return "250 never arrives"
        if step != "take":
            return step
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell(
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            encrypted=server.transport.get_extra_info("sslcontext") is not None,
            authenticated=bool(session.authenticated),
            headers=[[name, str(value)] for name, value in mail.items()],
            body=mail.get_content().replace("\r\n", "\n"),
        )
        return "250 OK"


def tell(**what):
    print(json.dumps(what), flush=True)


def authenticator(login):
    def check(server, session, envelope, mechanism, data):
        right = isinstance(data, LoginPassword) and [data.login.decode(), data.password.decode()] == login
        return AuthResult(success=right, handled=False)

    return check


async def main():
    settings = json.loads(sys.argv[1])
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(settings["certificate"], settings["key"])
    mode, login = settings["mode"], settings.get("login")
    handler = Handler(settings["script"])

    def session():
        return SMTP(
            handler,
            tls_context=tls if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            auth_required=login is not None,
            auth_require_tls=mode == "starttls",
            authenticator=authenticator(login),
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls if mode == "tls" else None)
    tell(port=server.sockets[0].getsockname()[1])
    # Nothing is written there: it ends with the test.
    await loop.run_in_executor(None, sys.stdin.read)


# Clients that break off are what is tested.
logging.disable(logging.CRITICAL)
asyncio.run(main())
