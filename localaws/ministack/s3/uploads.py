"""Uploads in parts, as they lie on disk: what is known of each in a database, each part a file.

MiniStack holds parts in memory until the upload is complete, and loses them with the process. Here
a part's bytes are in memory while it comes and while its upload is being completed.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

import json
import logging
import re
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import s3

from localaws.damage import kept_beside
from localaws.ministack import patches
from localaws.row_store import Changes, RowStore

MOST_BYTES = 4 * 2**30
"""Of one upload, which is put together in memory."""
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")

logger = logging.getLogger(__name__)

Upload = dict[str, Any]
Part = dict[str, Any]
Operation = Callable[..., Any]


class Uploads:
    """The uploads that are under way: parts in ``directory``, rows in a database of another."""

    def __init__(self, directory: Path, databases: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._rows = RowStore(databases / "s3_uploads.sqlite")
        self._changes: Changes[str, str] = Changes()

    def install(self) -> None:
        """Put them in MiniStack's place."""
        patches.replace(s3, "_create_multipart_upload", self._creating)
        patches.replace(s3, "_upload_part", self._adding)
        patches.replace(s3, "_upload_part_copy", self._adding)
        patches.replace(s3, "_complete_multipart_upload", self._completing)
        patches.replace(s3, "_abort_multipart_upload", lambda abort: self._ending(abort, 0))

    def load(self) -> None:
        """Bring back the uploads that were under way."""
        rows = sorted(self._rows.load().items())
        if self._rows.began_anew:
            self._directory.rename(kept_beside(self._directory))
            self._directory.mkdir(mode=0o700)
        needless = {path.name for path in self._directory.iterdir()}
        for (owner, name), text in rows:
            try:
                needless -= self._restore(owner, name, text)
            except (OSError, ValueError, KeyError, TypeError) as error:
                what = f"part {name} of the upload {owner}" if name else f"the upload {owner}"
                logger.error("%s of S3 is damaged, and left out: %r", what, error)
        self._remove(needless)  # written, and killed before anybody could count on it

    def save(self) -> None:
        """Save what changed, and remove the parts that no row names any more.

        Raises
        ------
        sqlite3.Error
            When the disk does not take it; it is kept for the next time.
        """
        with self._changes.taken() as (changed, dropped):
            if not changed:
                return
            self._rows.write(
                {key: text for key, text in changed.items() if text is not None},
                [key for key, text in changed.items() if text is None],
            )
        self._remove(dropped)

    def close(self) -> None:
        """Release the database."""
        self._rows.close()

    def _restore(self, owner: str, name: str, text: str) -> set[str]:
        """Bring back an upload, or a part of one; the files that it needs."""
        account, _, upload_id = owner.partition("/")
        known = json.loads(text)
        uploads = s3._multipart_uploads._data
        if not name:
            uploads[account, upload_id] = {**known, "parts": {}}
            return set()
        if (self._directory / known["file"]).stat().st_size != known["size"]:
            raise ValueError("its bytes are not all there")
        uploads[account, upload_id]["parts"][int(name)] = {**known, "body": None}
        return {known["file"]}

    def _creating(self, create: Operation) -> Operation:
        def created(*request: Any) -> Any:
            answer = create(*request)
            if answer[0] == 200 and (found := _UPLOAD_ID.search(answer[2])):
                upload_id = found[1].decode()
                upload = s3._multipart_uploads[upload_id]
                known = {name: value for name, value in upload.items() if name != "parts"}
                self._note(upload_id, "", known)
            return answer

        return created

    def _adding(self, add: Operation) -> Operation:
        def added(bucket: str, key: str, *request: Any) -> Any:
            upload_id, number = _named(request[-2])
            before = _part(upload_id, number)
            answer = add(bucket, key, *request)
            if answer[0] != 200:
                return answer
            parts: dict[int, Part] = s3._multipart_uploads[upload_id]["parts"]
            part = parts.pop(number)
            if before is not None:
                parts[number] = before
            if sum(each["size"] for each in parts.values()) + part["size"] > MOST_BYTES:
                text = f"Your proposed upload exceeds {MOST_BYTES} bytes, the most localaws takes"
                return s3._error("EntityTooLarge", text, 400)
            parts[number] = self._keep(part)
            self._note(upload_id, str(number), parts[number], before)
            return answer

        return added

    def _keep(self, part: Part) -> Part:
        """A part whose bytes are a file from now on."""
        file = secrets.token_hex(16)
        (self._directory / file).write_bytes(part["body"])
        return {**part, "body": None, "file": file}

    def _completing(self, complete: Operation) -> Operation:
        ending = self._ending(complete, 1)

        def completed(bucket: str, key: str, body: bytes, query: Any, *more: Any) -> Any:
            upload_id, _ = _named(query)
            parts: dict[int, Part] = (s3._multipart_uploads.get(upload_id) or {}).get("parts", {})
            for part in parts.values():
                part["body"] = (self._directory / part["file"]).read_bytes()
            try:
                return ending(bucket, key, body, query, *more)
            finally:
                for part in parts.values():
                    part["body"] = None

        return completed

    def _ending(self, end: Operation, query_at: int) -> Operation:
        """Complete or abort an upload: what is known of it goes, where that succeeds."""

        def ended(bucket: str, key: str, *request: Any) -> Any:
            upload_id, _ = _named(request[query_at])
            upload = s3._multipart_uploads.get(upload_id)
            answer = end(bucket, key, *request)
            if upload is not None and upload_id not in s3._multipart_uploads:
                self._note(upload_id, "", None)
                for number, part in upload["parts"].items():
                    self._note(upload_id, str(number), None, part)
            return answer

        return ended

    def _note(
        self, upload_id: str, name: str, known: Upload | None, replaced: Part | None = None
    ) -> None:
        key = f"{get_account_id()}/{upload_id}", name
        needless = [] if replaced is None else [replaced["file"]]
        self._changes.note(key, None if known is None else json.dumps(known), *needless)

    def _remove(self, files: Iterable[str]) -> None:
        for name in files:
            (self._directory / name).unlink(missing_ok=True)


def _named(query: Any) -> tuple[str, int]:
    """The upload of a request and the number of a part, 0 without one."""
    number = str(s3._qp(query, "partNumber") or "")
    return str(s3._qp(query, "uploadId") or ""), int(number) if number.isdecimal() else 0


def _part(upload_id: str, number: int) -> Part | None:
    upload = s3._multipart_uploads.get(upload_id)
    found: Part | None = None if upload is None else upload["parts"].get(number)
    return found
