"""The way through My Console from the start to the sign-off, over sockets: boxes, proofs, the file in the thread."""

from hashlib import sha256
from pathlib import Path

import requests
from e2e_house import MANUAL_STEPS, SAMPLE, house, sample, wait_until

from bot.sandbox.slack import SlackPerson

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 500


def test_the_console_path_from_the_start_to_the_sign_off(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start(deposit="console", ofc="false")
        manager, parent = SlackPerson(home.slack.url, "U0MANAGER"), home.manager.parent

        # A proof beside a box of the first step, and a second thought about another box.
        home.manager.click("portal", "box_note")
        manager.wait_for_view(callback_id="box_note")
        manager.enter_files(None, "file", {"portal.png": PNG})
        assert manager.submit(values={"item": "logged_in", "text": "seen by Marta"}) == {}
        manager.tick(parent, "portal:", "opened")
        wait_until("the tick", lambda: "☑" in str(home.manager.message()["blocks"]))
        manager.untick(parent, "portal:", "opened")
        manager.wait_for_view(callback_id="box_reason")
        assert manager.submit(values={"text": "the wrong page"}) == {}
        digest = sha256(PNG).hexdigest()
        name = f"portal_{digest[:12]}.png"
        issue = {"params": {"fields": "attachment,comment"}, "headers": {"Authorization": f"Bearer {home.jira.token}"}}

        def attached() -> list[str]:
            fields = requests.get(f"{home.jira.url}/rest/api/2/issue/ACT-1", timeout=20, **issue).json()["fields"]
            return [each["filename"] for each in fields["attachment"]]

        wait_until("the proof in Jira", lambda: attached() == [name])
        for step in MANUAL_STEPS:
            home.manager.tick_all(step)

        # The upload in My Console, and the same file into the thread; the bot is killed as it hears of it.
        assert home.manager.tick_all("deposit") == 4
        assert home.states(key)["deposit"] == "waiting"
        manager.say("this is it", thread_ts=parent, files={SAMPLE: sample(home).read_bytes()})
        home.kill_bot()
        home.start_bot()
        # Killed before it was put on the trail, the event was not acknowledged: Slack delivers it again, in a minute.
        wait_until("the Output", lambda: home.states(key)["output"] == "done", 150)

        # The next day: the statuses that people know.
        home.manager.pick("console_follow_up", "choices", "submitted")
        wait_until("the status", lambda: "Submitted" in str(home.manager.message()["blocks"]))
        home.manager.pick("console_follow_up", "choices", "loaded")
        wait_until("the follow-up", lambda: home.states(key)["console_follow_up"] == "done")
        home.manager.click("references", "assign")
        home.manager.tick_all("mytem")
        home.manager.tick_all("sign_off")
        wait_until("the end", lambda: home.status(key)["state"] == "done")

        # Whatever happened on the way, all of it is there once.
        exported = home.command("export", key, "--out", str(tmp_path / "dossier"))
        assert exported.returncode == 0, exported.stderr
        dossier = (tmp_path / "dossier" / "dossier.html").read_text("utf-8")
        assert digest in dossier
        assert "the wrong page" in dossier
        trail = (tmp_path / "dossier" / "trail.json").read_text("utf-8")
        assert trail.count('"file_attached"') == 1
        assert attached().count(name) == 1


def test_notes_proofs_and_unticking_from_the_shell(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        home.start_bot()
        key = home.start(deposit="console", ofc="false")
        proof = tmp_path / "mail.txt"
        proof.write_text("access granted", "utf-8")
        words = ["confirm", key, "portal", "--tick", "opened", "--note", "by mail", "--proof", str(proof)]
        told = home.command(*words)
        assert told.returncode == 0, told.stderr
        told = home.command("confirm", key, "portal", "--untick", "opened")
        assert told.returncode == 1
        told = home.command("confirm", key, "portal", "--untick", "opened", "--reason", "revoked again")
        assert told.returncode == 0, told.stderr
        program = tmp_path / "setup.exe"
        program.write_bytes(b"MZ")
        told = home.command("confirm", key, "portal", "--proof", str(program))
        assert told.returncode == 1
        assert "program" in told.stderr
        wait_until("the reason", lambda: "revoked again" in str([post["blocks"] for post in home.manager.thread()]))
        assert "mail_" in str([post["blocks"] for post in home.manager.thread()])
        assert home.states(key)["portal"] == "waiting"
