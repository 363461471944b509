"""Topics and senders, and the messages that they were given to deliver.

They are made and read in process, so the record of calls has only those of the test.
"""

from typing import Any

from moto.ses.models import ses_backends
from moto.sns.models import sns_backends

from cloud import ACCOUNT


def make_topic(region: str, name: str) -> str:
    """Returns its ARN. A name that ends with `.fifo` makes a topic of that type."""
    attributes = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
    return str(sns_backends[ACCOUNT][region].create_topic(name, attributes).arn)


def verify_sender(region: str, address: str) -> None:
    ses_backends[ACCOUNT][region].verify_email_address(address)


def published() -> list[dict[str, Any]]:
    """The messages of topics, in the order of each topic."""
    told = []
    for backend in list(sns_backends[ACCOUNT].values()):
        for topic in list(backend.topics.values()):
            for _, body, subject, attributes, group in list(topic.sent_notifications):
                values = {name: attribute["Value"] for name, attribute in (attributes or {}).items()}
                sent = {"topic": topic.arn, "subject": subject, "body": body}
                told.append(sent | {"attributes": values, "group": group})
    return told


def mailed() -> list[dict[str, Any]]:
    """The accepted e-mails, in the order of each region."""
    told = []
    for backend in list(ses_backends[ACCOUNT].values()):
        for mail in list(backend.sent_messages):
            sent = {"region": backend.region_name, "sender": mail.source, "recipients": mail.destinations}
            told.append(sent | {"subject": mail.subject, "body": mail.body})
    return told
