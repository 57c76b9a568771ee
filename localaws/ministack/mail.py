"""Subscriptions by mail: confirmed by who got the mail, as SNS does it.

https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.confirm.html: a pending subscription
gets nothing but the link that confirms it.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

from ministack.services import sns

from localaws.mail import Mailbox
from localaws.ministack import patches
from localaws.ministack.embedding import Answer

PROTOCOLS = ("email", "email-json")
PENDING = "PendingConfirmation"
_ASKED = "asked_by_mail"
_LISTS = ("_list_subscriptions", "_list_subscriptions_by_topic")

Subscription = dict[str, Any]


class MailDelivery:
    """Sends what SNS has for addresses to a mailbox; ``endpoint_url`` is this server's."""

    def __init__(self, mailbox: Mailbox, endpoint_url: str) -> None:
        self._mailbox = mailbox
        self._endpoint_url = endpoint_url

    def install(self) -> None:
        """Replace MiniStack's functions."""
        patches.replace(sns, "_subscribe", self._with_confirmation)
        patches.replace(sns, "_fanout", self._with_mail)
        for name in _LISTS:
            patches.replace(sns, name, _with_pending)

    def ask(self) -> None:
        """Ask every new address whether it wants what was subscribed for it."""
        for topic in list(sns._topics._data.values()):
            for subscription in _by_mail(topic):
                if not subscription.get(_ASKED):
                    self._ask(topic["arn"], subscription)

    def _ask(self, topic_arn: str, subscription: Subscription) -> None:
        token = secrets.token_hex(32)
        subscription.update({_ASKED: True, "confirmed": False, "token": token})
        attributes = {"PendingConfirmation": "true", "ConfirmationWasAuthenticated": "false"}
        subscription["attributes"] = {**subscription.get("attributes", {}), **attributes}
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": topic_arn, "Token": token})
        self._mailbox.deliver(
            subscription["endpoint"],
            "AWS Notification - Subscription Confirmation",
            f"You have chosen to subscribe to the topic:\n{topic_arn}\n\n"
            "To confirm this subscription, visit this address:\n"
            f"{self._endpoint_url}/?{query}\n\n"
            "If you did not ask for it, do nothing.\n",
        )

    def _with_confirmation(self, subscribe: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
        def handle(parameters: Any) -> Answer:
            answer = subscribe(parameters)
            self.ask()
            return _as_pending(answer, "pending confirmation")

        return handle

    def _with_mail(self, fan_out: Callable[..., None]) -> Callable[..., None]:
        def handle(
            topic_arn: str,
            msg_id: str,
            message: str,
            subject: str,
            message_structure: str = "",
            message_attributes: dict[str, Any] | None = None,
            **named: Any,
        ) -> None:
            fan_out(
                topic_arn, msg_id, message, subject, message_structure, message_attributes, **named
            )
            topic = sns._topic_by_arn_any_scope(topic_arn)
            for subscription in _by_mail(topic or {}):
                text = sns._resolve_message_for_protocol(
                    message, message_structure, subscription["protocol"]
                )
                wanted = sns._matches_filter_policy(subscription, message_attributes or {}, text)
                if not subscription.get("confirmed") or not wanted:
                    continue
                if subscription["protocol"] == "email-json":
                    attributes = message_attributes or {}
                    text = sns._build_envelope(topic_arn, msg_id, text, subject, attributes, False)
                else:
                    text = f"{_readable(text)}\n\n--\n{topic_arn}\n"
                self._mailbox.deliver(
                    subscription["endpoint"], subject or "AWS Notification Message", text
                )

        return handle


def _by_mail(topic: dict[str, Any]) -> Iterator[Subscription]:
    for subscription in list(topic.get("subscriptions", [])):
        if subscription.get("protocol") in PROTOCOLS:
            yield subscription


def _with_pending(list_them: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
    """Lists show no ARN of a subscription that nobody confirmed."""
    return lambda parameters: _as_pending(list_them(parameters), PENDING)


def _as_pending(answer: Answer, word: str) -> Answer:
    status, headers, body = answer
    for topic in list(sns._topics._data.values()):
        for subscription in _by_mail(topic):
            if not subscription["confirmed"]:
                body = body.replace(subscription["arn"].encode(), word.encode())
    return status, headers, body


def _readable(text: str) -> str:
    """An alarm's message is JSON in one line; people get it in lines."""
    try:
        content = json.loads(text)
    except ValueError:
        return text
    return json.dumps(content, indent=2) if isinstance(content, dict) else text
