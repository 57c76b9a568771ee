"""The matrix: each role's sessions against each model and each way around a target model."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from fleet.access.expectation import Expectation
from fleet.access.roles import Estate, Role
from iam_policy import Decision, Request, evaluate
from iam_policy.patterns import Patterns, tokenize

INVOKE = "sagemaker:InvokeEndpoint"
INVOKE_ASYNC = "sagemaker:InvokeEndpointAsync"
INVOKE_STREAM = "sagemaker:InvokeEndpointWithResponseStream"
TARGET_MODEL = "sagemaker:TargetModel"
TAG_KEY = "City"
NEW_MODEL = "NewCity_ZZ/NewCity_ZZ.tar.gz"
"""Stands for every model that nobody has thought of yet."""
FULL_MATRIX = 50
"""With more models than these, a tenant's session is asked about its own models, its neighbour's
and the first: each role still about all. The questions then grow as the models do, not as their
square."""


@dataclass(frozen=True)
class Subject:
    """A session of a role: one row of the matrix.

    ``target_models`` are the patterns that the config lets it invoke; none for other roles.
    """

    name: str
    role: Role
    target_models: tuple[str, ...] = ()
    session_tags: Mapping[str, str] = field(default_factory=dict)
    external_id: str | None = None

    def may_invoke(self, target_model: str) -> bool:
        """Whether the config says so."""
        return self._patterns.match(target_model, {})

    @cached_property
    def _patterns(self) -> Patterns:
        return Patterns([tokenize(p, wildcards=True, variables=False) for p in self.target_models])


@dataclass(frozen=True)
class Question:
    """One column of the matrix, as it is asked for one row; ``expected`` by the config."""

    title: str
    action: str
    resource: str
    target_model: str | None
    expected: bool


@dataclass(frozen=True)
class Cell:
    """A question and what the policies decide."""

    question: Question
    decision: Decision

    @property
    def as_expected(self) -> bool:
        return self.decision.allowed is self.question.expected


@dataclass(frozen=True)
class Row:
    """All cells of a subject; ``probes`` are asked too, and shown where they go wrong."""

    subject: Subject
    cells: tuple[Cell, ...]
    probes: tuple[Cell, ...]

    @property
    def unexpected(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in (*self.cells, *self.probes) if not cell.as_expected)


@dataclass(frozen=True)
class Matrix:
    """Rows of roles, columns of models and of ways around them."""

    source: str
    models: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def titles(self) -> tuple[str, ...]:
        """The columns' titles."""
        return tuple(cell.question.title for cell in self.rows[0].cells) if self.rows else ()


def make_matrix(estate: Estate, expectation: Expectation, models: Sequence[str]) -> Matrix:
    """Ask every question of every session."""
    probes = tuple(dict.fromkeys(_probes(estate, expectation)))
    asked = _Models(models)
    rows = [
        _row(subject, estate.endpoint_arn, asked.of(subject), probes)
        for subject in subjects(estate, expectation, models)
    ]
    return Matrix(estate.source, tuple(models), tuple(rows))


class _Models:
    """Which models a session is asked about."""

    def __init__(self, models: Sequence[str]) -> None:
        self._models = models
        self._of_city: dict[str, list[int]] = {}
        for place, model in enumerate(models):
            self._of_city.setdefault(model.partition("/")[0], []).append(place)

    def of(self, subject: Subject) -> Sequence[str]:
        city = subject.session_tags.get(TAG_KEY)
        if city is None or len(self._models) <= FULL_MATRIX:
            return self._models
        own = self._of_city.get(city, [])
        others = [(own[-1] + 1) % len(self._models), 0] if own else [0]
        return [self._models[place] for place in dict.fromkeys([*own, *others])]


def subjects(estate: Estate, expectation: Expectation, models: Sequence[str]) -> Iterator[Subject]:
    """Sessions of the configured roles, of the tenants' role for each city, of other roles."""
    for name, role in estate.restricted.items():
        expected = expectation.restricted.get(name)
        patterns = expected.target_models if expected else ()
        yield Subject(name, role, patterns, external_id=expected.external_id if expected else None)
    if estate.tenant is not None:
        external_id = expectation.tenant_external_id
        for city in dict.fromkeys(model.partition("/")[0] for model in models):
            tags = {TAG_KEY: city}
            title = f"Tenant {TAG_KEY}={city}"
            yield Subject(title, estate.tenant, (f"{city}/*",), tags, external_id)
        yield Subject(f"Tenant without {TAG_KEY}", estate.tenant, external_id=external_id)
    for role in estate.others:
        yield Subject(role.name, role)


def decide(subject: Subject, question: Question) -> Decision:
    """What the subject's policies say."""
    principal = subject.role.session()
    context = {
        "aws:PrincipalArn": subject.role.arn,
        "aws:PrincipalAccount": principal.account_id,
        "aws:PrincipalType": "AssumedRole",
        "aws:SecureTransport": "true",
        **{f"aws:PrincipalTag/{key}": value for key, value in subject.session_tags.items()},
        **({TARGET_MODEL: question.target_model} if question.target_model is not None else {}),
    }
    request = Request(question.action, question.resource, principal, context)
    return evaluate(subject.role.policies, request)


def _row(subject: Subject, endpoint_arn: str, models: Sequence[str], probes: Sequence[str]) -> Row:
    def ask(questions: Iterable[Question]) -> tuple[Cell, ...]:
        return tuple(Cell(question, decide(subject, question)) for question in questions)

    return Row(
        subject,
        ask(_questions(subject, endpoint_arn, models)),
        ask(_model_question(subject, endpoint_arn, model) for model in probes),
    )


def _questions(subject: Subject, endpoint_arn: str, models: Sequence[str]) -> Iterator[Question]:
    for model in (*models, NEW_MODEL):
        yield _model_question(subject, endpoint_arn, model)
    own_model = example_of(subject.target_models[0]) if subject.target_models else NEW_MODEL
    yield Question("no target model", INVOKE, endpoint_arn, None, False)
    yield Question("another endpoint", INVOKE, f"{endpoint_arn}-2", own_model, False)
    yield Question("asynchronous", INVOKE_ASYNC, endpoint_arn, None, False)
    yield Question("streaming", INVOKE_STREAM, endpoint_arn, None, False)


def _model_question(subject: Subject, endpoint_arn: str, model: str) -> Question:
    return Question(model, INVOKE, endpoint_arn, model, subject.may_invoke(model))


def _probes(estate: Estate, expectation: Expectation) -> Iterator[str]:
    """Models that would show a pattern that is too wide.

    One that fits each pattern of any policy, so that no pattern goes unasked; and names that look
    like those of the config.
    """
    roles = [*estate.restricted.values(), *estate.others]
    if estate.tenant is not None:
        roles.append(estate.tenant)
    for role in roles:
        yield from map(example_of, role.target_models)
    for expected in expectation.restricted.values():
        for pattern in expected.target_models:
            example = example_of(pattern)
            yield from (example.replace("/", "C/", 1), example.lower(), f"/{example}")


def example_of(pattern: str) -> str:
    """A target model that the pattern matches."""
    return re.sub(r"[*?]", "x", pattern)
