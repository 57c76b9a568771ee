"""All services of one localaws, put together."""

import asyncio
import gc
import os
from collections.abc import Callable, MutableMapping
from typing import Any

from localaws.apis import create_apis
from localaws.authorization import Authorizer
from localaws.cloudformation.resource_types import resource_types
from localaws.cloudtrail.recorder import Recorder
from localaws.errors import AwsError
from localaws.hosting.runtime import Runtime
from localaws.http.invocations import Invocations
from localaws.http.operations import Operations
from localaws.http.wire import Exchange, Response, Send, request_id, signed_request
from localaws.identity_tokens import TokenIssuer
from localaws.mail import Mailbox
from localaws.ministack import admission, parameters, part_refused, user_patterns
from localaws.ministack.backend import MiniStackBackend
from localaws.ministack.cloudwatch import log_filtering, metric_filters, metric_math
from localaws.ministack.cloudwatch.alarms import AlarmEvaluator
from localaws.ministack.cloudwatch.log_insights import service as log_insights
from localaws.ministack.embedding import LATE_SERVICES, MODULES, MiniStack, header_pairs, is_api
from localaws.ministack.iam import descriptions, encryption, managed_policies
from localaws.ministack.iam.administrator import put_administrator
from localaws.ministack.iam.enforcement import Enforcement
from localaws.ministack.iam.identities import MiniStackIdentities
from localaws.ministack.iam.service_sessions import ServiceSessions
from localaws.ministack.iam.simulation import Simulation
from localaws.ministack.iam.web_identity import WebIdentity
from localaws.ministack.s3 import (
    conditional_writes,
    earlier_objects,
    events,
    forms,
    replication,
    versions,
)
from localaws.ministack.s3.object_files import ObjectFiles
from localaws.ministack.s3.plain_objects import PlainObjects
from localaws.ministack.s3.uploads import Uploads
from localaws.ministack.state.persistence import Persistence
from localaws.state import State

WARM_UP = "LOCALAWS_WARM_UP"
"""The variable that is 0 where most servers end before they start a container or a job."""
LATE_SERVICES_AFTER_SECONDS = 0.2
"""So that the first requests of others need not wait for its import."""


class Services:
    """What answers requests, with its start and its end.

    Make it after ``embedding.configure``, and start it on the event loop that serves.
    """

    def __init__(self, state: State, endpoint_url: str) -> None:
        self._state = state
        self._endpoint_url = endpoint_url
        self._ministack = MiniStack()
        self._identities = identities = MiniStackIdentities()
        self.authorizer = Authorizer(identities)
        enforcement = Enforcement(identities, self.authorizer)
        enforcement.install()
        WebIdentity(identities, TokenIssuer(state.token_key)).install()
        Simulation(identities).install()
        managed_policies.install()
        descriptions.install()
        self._ministack.admit(admission.admitted)
        self._plain_objects = PlainObjects(self.authorizer, enforcement)
        self.persistence = Persistence(state.services_directory)
        self._backend = MiniStackBackend(
            identities, self.authorizer, state.region, self.persistence.touch
        )
        state.sagemaker_directory.mkdir(parents=True, exist_ok=True)
        self._apis = create_apis(state.sagemaker_directory, self._backend)
        self.invocations = Invocations(self._apis.runtime, self.authorizer)
        self.operations = Operations(
            {
                "SageMaker": self._apis.sagemaker,
                "AnyScaleFrontendService": self._apis.autoscaling,
                "ServiceQuotasV20190624": self._apis.quotas,
                "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101": self._apis.cloudtrail,
            },
            self.authorizer,
        )
        self._alarms = AlarmEvaluator(self._apis.scaler.invoke)
        log_insights.install()
        metric_math.install()
        versions.install()
        self._object_files = ObjectFiles(state.object_files_directory, state.services_directory)
        self._object_files.install()
        conditional_writes.install(self._object_files)
        part_refused.install()
        parameters.install()
        log_filtering.install()
        metric_filters.install()
        replication.install()
        self._uploads = Uploads(state.upload_parts_directory, state.services_directory)
        self._uploads.install()
        encryption.install()
        events.install()
        forms.install()
        user_patterns.install()
        self._late_services: asyncio.Future[None] | None = None
        self._stop_functions: Callable[[], None] = lambda: None
        self._end_executions: Callable[[], None] = lambda: None
        self._is_deploying: Callable[[], bool] = lambda: False
        self._was_deploying = False
        self._alarm_evaluation: asyncio.Task[None] | None = None
        self._recovery: asyncio.Task[None] | None = None

    @property
    def runtime(self) -> Runtime:
        """The endpoints in service."""
        return self._apis.runtime

    @property
    def recorder(self) -> Recorder:
        """Takes what was asked, for CloudTrail."""
        return self._apis.recorder

    async def start(self) -> None:
        """Bring back what an earlier run left."""
        self._ministack.start()
        for module in MODULES:
            self.persistence.add_service(module)
        earlier_objects.adopt(self._state.objects_directory, self._object_files, self._state.region)
        self._object_files.load()
        self._uploads.load()
        # In this order: an upload that was completed goes after its object is there.
        self.persistence.add_store("objects", self._object_files)
        self.persistence.add_store("uploads", self._uploads)
        self.persistence.add_sessions()
        self.persistence.add_cloudwatch()
        put_administrator(self._state)
        loop = asyncio.get_running_loop()
        self._backend.start(loop)
        await asyncio.to_thread(self._apis.start, loop)
        self._alarm_evaluation = asyncio.create_task(self._alarms.run())
        self._late_services = asyncio.ensure_future(self._start_late_services_soon())

    async def pass_on(self, exchange: Exchange) -> None:
        """Let MiniStack answer a request."""
        is_late = exchange.service in LATE_SERVICES or is_api(exchange.headers.get("host", ""))
        if is_late and self._late_services is not None:
            await asyncio.shield(self._late_services)
        if exchange.service == "s3":
            request = signed_request(exchange.scope, exchange.headers, exchange.body)
            answer = await self._plain_objects.answer(request, exchange.path)
            if answer is not None:
                await self._note(exchange)
                await _response(*answer).send(exchange.send)
                return
        await self._ministack(exchange.scope, exchange.receive, self._sender(exchange))

    def _sender(self, exchange: Exchange) -> Send:
        """Sends an answer of MiniStack once what it tells is noted, and safe from a kill."""

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                await self._note(exchange)
            await exchange.send(message)

        return send

    async def _note(self, exchange: Exchange) -> None:
        """Note what a request may have changed, and wait where that is not safe soon."""
        if exchange.service in ("iam", "sts"):
            self.authorizer.forget()
        if exchange.method not in ("GET", "HEAD"):
            self.persistence.touch(exchange.service)
            await self.persistence.settle()

    def problem_of(self, exchange: Exchange) -> AwsError | None:
        """What is wrong with a request over which MiniStack stumbled; None when it is right."""
        return admission.problem_of(exchange.service, exchange.request)

    def save_changes(self) -> None:
        """Save what changed since the last time; stacks change between requests too."""
        deploying = self._is_deploying()
        if deploying or self._was_deploying:
            self.persistence.touch_all_unseen()
        self._was_deploying = deploying
        self.persistence.save_changes()

    async def stop(self) -> None:
        """End jobs and containers."""
        if self._alarm_evaluation is not None:
            self._alarm_evaluation.cancel()
        self._end_executions()
        await asyncio.to_thread(self._apis.stop)
        if self._late_services is not None:
            await asyncio.wait([self._late_services])  # however it ended
        await asyncio.to_thread(self._stop_functions)

    def save(self) -> None:
        """Save everything, once nothing runs any more."""
        self.persistence.save()

    async def _start_late_services_soon(self) -> None:
        await asyncio.sleep(LATE_SERVICES_AFTER_SECONDS)
        saved_at = self.persistence.saved_at("cloudformation")
        await asyncio.to_thread(self._start_late_services)
        from localaws.ministack.cloudformation import interrupted_stacks

        self._recovery = asyncio.create_task(
            interrupted_stacks.recover(self._apis.sagemaker, saved_at)
        )

    def _start_late_services(self) -> None:
        """Import the services that take long to import after everything else answers."""
        from localaws.ministack.api_gateway import SERVICE, ApiGateway
        from localaws.ministack.cloudformation import (
            conditions,
            interrupted_stacks,
            stack_admission,
            unfinished_stacks,
        )
        from localaws.ministack.cloudformation import resource_types as cloudformation
        from localaws.ministack.cloudwatch import composite_alarms
        from localaws.ministack.dynamodb import tables, transactions, updates
        from localaws.ministack.functions import Functions
        from localaws.ministack.mail import MailDelivery
        from localaws.ministack.s3 import buckets
        from localaws.ministack.state_machines.step_functions import StepFunctions

        conditions.install()
        buckets.install()
        tables.install()
        transactions.install()
        updates.install()
        user_patterns.install_late()
        part_refused.install_late()
        stack_admission.install()
        unfinished_stacks.install()
        interrupted_stacks.install()
        apis = self._apis
        cloudformation.register(resource_types(apis.sagemaker, apis.autoscaling, apis.cloudtrail))
        composite_alarms.install()
        cloudformation.after_each_change("AWS::IAM::", self.authorizer.forget)
        mail = MailDelivery(Mailbox(self._state.mail_directory), self._endpoint_url)
        mail.install()
        cloudformation.after_each_change("AWS::SNS::", mail.ask)
        functions = Functions(self._identities, self.authorizer, self._state.functions_directory)
        functions.install()
        self._stop_functions = functions.stop
        step_functions = StepFunctions(
            self._identities,
            self.authorizer,
            self._backend,
            self.persistence.touch,
            apis.sagemaker.discard_interrupted_job,
        )
        step_functions.install()
        sessions = ServiceSessions(SERVICE, self._identities, self.authorizer)
        ApiGateway(apis.runtime, self.authorizer, sessions).install()
        for module in LATE_SERVICES.values():
            self.persistence.add_service(module)
        self._end_executions = step_functions.executions.end
        step_functions.executions.resume()
        step_functions.start_schedules()
        self._is_deploying = cloudformation.is_deploying
        if os.environ.get(WARM_UP) != "0":
            self._apis.containers.warm_up()
        # A hundred thousand modules, classes and functions that stay: collections skip them.
        gc.freeze()


def _response(status: int, fields: dict[str, Any], body: bytes) -> Response:
    """An answer that MiniStack's dispatcher did not see."""
    headers = [pair for pair in header_pairs(fields) if pair[0].lower() != b"content-length"]
    identity = request_id().encode()
    headers += [(b"x-amz-request-id", identity), (b"x-amzn-requestid", identity)]
    return Response(status, headers, body)
