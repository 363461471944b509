"""Answers with the texts and the statuses of each AWS service."""

import json
import re
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

import cbor
from call import Call
from policy import Ask, asks

# The same trouble by protocol: HTTP status, code, message.
THROTTLE = {
    "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
    "query": (400, "Throttling", "Rate exceeded"),
    "json": (400, "ThrottlingException", "Rate exceeded"),
    "rest-json": (429, "ThrottlingException", "Rate exceeded"),
    "cbor": (400, "ThrottlingException", "Rate exceeded"),
}
INTERNAL = {
    "ec2": (500, "InternalError", "An internal error has occurred"),
    "query": (500, "InternalFailure", "The request processing has failed because of an unknown error."),
    "json": (500, "InternalServerError", "An internal server error occurred."),
    "rest-json": (500, "InternalServerException", "An internal server error occurred."),
    "cbor": (500, "InternalServiceFault", "An internal server error occurred."),
}
DENIED = {
    "ec2": (403, "UnauthorizedOperation", "You are not authorized to perform this operation. "),
    "query": (403, "AccessDenied", ""),
    "json": (400, "AccessDeniedException", ""),
    "rest-json": (403, "AccessDeniedException", ""),
    "cbor": (403, "AccessDeniedException", ""),
}
EXPIRED = {
    "ec2": (400, "RequestExpired", "Request has expired."),
    "query": (403, "ExpiredToken", "The security token included in the request is expired"),
    "json": (400, "ExpiredTokenException", "The security token included in the request is expired"),
    "rest-json": (403, "ExpiredTokenException", "The security token included in the request is expired"),
    "cbor": (403, "ExpiredTokenException", "The security token included in the request is expired"),
}
# A service that once spoke the protocol "query" also tells the code that an error had there, in a header.
QUERY_CODES = {table["cbor"][1]: table["query"][1] for table in (THROTTLE, INTERNAL, DENIED, EXPIRED)}


# The places at which an answer can end early: after a tag of XML, after each string and mark of JSON, and after each
# byte of CBOR.
TAG = re.compile(rb"<[^>]*>")
MARK = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]')


@dataclass
class Answer:
    """An HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def line(self) -> str:
        known = self.status in HTTPStatus._value2member_map_
        return f"{self.status} {HTTPStatus(self.status).phrase if known else 'Unknown'}"


def pieces(answer: Answer) -> list[int]:
    """The ends of the pieces of an answer; the last piece ends with the answer."""
    if ("Content-Type", "application/cbor") in answer.headers:
        return list(range(1, len(answer.body) + 1))
    piece = MARK if answer.body.lstrip().startswith(b"{") else TAG
    return [found.end() for found in piece.finditer(answer.body)]


def cut_short(answer: Answer, piece: int) -> Answer:
    """An answer that ends before this piece, as if it were complete."""
    ends = [0, *pieces(answer)]
    return Answer(answer.status, answer.headers, answer.body[: ends[min(piece, len(ends) - 1)]])


def listed_twice(answer: Answer) -> Answer:
    """A page of groups that lists each of them twice."""
    whole = re.sub(rb"<AutoScalingGroups>(.*)</AutoScalingGroups>", _twice, answer.body, flags=re.DOTALL)
    return Answer(answer.status, answer.headers, whole)


def _twice(found: re.Match[bytes]) -> bytes:
    return b"<AutoScalingGroups>" + found[1] * 2 + b"</AutoScalingGroups>"


def with_another_page(answer: Answer) -> Answer:
    """A page of groups that names a page that was never listed."""
    end = b"</DescribeAutoScalingGroupsResult>"
    token = f"<NextToken>{uuid.uuid4()}</NextToken>".encode()
    body = re.sub(rb"<NextToken>.*?</NextToken>|<NextToken ?/>", b"", answer.body)
    return Answer(answer.status, answer.headers, body.replace(end, token + end))


def empty_page_of_groups() -> Answer:
    """A page that names another."""
    result = b"<DescribeAutoScalingGroupsResult><AutoScalingGroups/></DescribeAutoScalingGroupsResult>"
    body = b"<DescribeAutoScalingGroupsResponse>" + result + b"</DescribeAutoScalingGroupsResponse>"
    return with_another_page(Answer(200, _headers("text/xml"), body))


def of_a_proxy(status: int, is_page: bool) -> Answer:
    """The answer of a proxy between a program and AWS."""
    page = b"<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Who are you?</body></html>\n"
    return Answer(status, _headers("text/html; charset=utf-8"), page if is_page else b"")


class ApiError(Exception):
    """The refusal of an API."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def plain(value: Any, status: int = 200) -> Answer:
    """JSON that is not an answer of AWS."""
    return Answer(status, _headers("application/json"), json.dumps(value).encode())


def result(value: Any) -> Answer:
    """The result of an API of JSON style."""
    return Answer(200, _headers("application/x-amz-json-1.1"), json.dumps(value).encode())


def in_cbor(status: int, value: Any) -> Answer:
    """An answer of an API of CBOR style."""
    headers = _headers("application/cbor")
    return Answer(status, [*headers, ("smithy-protocol", "rpc-v2-cbor")], cbor.written(value))


def throttle(call: Call) -> Answer:
    status, code, message = THROTTLE[call.protocol]
    if call.service == "ses" and call.protocol == "rest-json":
        code = "TooManyRequestsException"
    return error(call, status, code, message)


def internal(call: Call) -> Answer:
    return error(call, *INTERNAL[call.protocol])


def expired_token(call: Call) -> Answer:
    return error(call, *EXPIRED[call.protocol])


def access_denied(call: Call, ask: Ask | None = None) -> Answer:
    """Names the permission, or the first one that the call itself needs."""
    status, code, before = DENIED[call.protocol]
    if call.service == "sns":
        code = "AuthorizationError"
    ask = ask or asks(call)[0]
    permission = ask.action
    resource = f" on resource: {ask.resource}" if ask.resource != "*" else ""
    message = (
        f"{before}User: arn:aws:iam::123456789012:user/monkey is not authorized to perform: {permission}"
        f"{resource} because no identity-based policy allows the {permission} action"
    )
    return error(call, status, code, message)


def error(call: Call, status: int, code: str, message: str) -> Answer:
    """An error in the form of the protocol of the call."""
    request = str(uuid.uuid4())
    if call.protocol == "cbor":
        made = in_cbor(status, {"__type": f"com.amazonaws.{call.service}#{code}", "message": message})
        blame = "Sender" if status < 500 else "Receiver"
        query = ("x-amzn-query-error", f"{QUERY_CODES.get(code, code)};{blame}")
        return Answer(status, [*made.headers, ("x-amzn-RequestId", request), query], made.body)
    if call.protocol in ("json", "rest-json"):
        value = {"__type": code, "message": message}
        headers = _headers("application/x-amz-json-1.1" if call.protocol == "json" else "application/json")
        return Answer(
            status,
            headers + [("x-amzn-ErrorType", code), ("x-amzn-RequestId", request)],
            json.dumps(value).encode(),
        )
    named = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if call.protocol == "ec2":
        text = f"<Response><Errors><Error>{named}</Error></Errors><RequestID>{request}</RequestID></Response>"
    else:
        blame = "Sender" if status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{blame}</Type>{named}</Error>"
            f"<RequestId>{request}</RequestId></ErrorResponse>"
        )
    text = '<?xml version="1.0" encoding="UTF-8"?>\n' + text
    return Answer(status, _headers("text/xml;charset=UTF-8"), text.encode())


def _headers(content_type: str) -> list[tuple[str, str]]:
    return [("Content-Type", content_type)]
