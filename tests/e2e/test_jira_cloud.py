"""A whole activation with Jira on Cloud, whose index is late and whose answers get lost."""

from pathlib import Path

from e2e_house import house, incoming, play_to_the_end, play_until_deposit, sample, wait_until

from bot.sandbox.faults import Fault

GRACE = "3"


def test_a_whole_activation_on_cloud_doubles_nothing_though_answers_are_lost(tmp_path: Path) -> None:
    with house(
        tmp_path, jira_kind="Cloud", JIRA__INDEX_GRACE_SECONDS=GRACE, RETRY__FIRST_SECONDS="0.2", RETRY__TRIES="12"
    ) as home:
        store = home.jira.store
        home.jira.faults.add(
            # The first create never arrives, the next two arrive and are not heard of.
            Fault("POST /rest/api/2/issue", "drop_before"),
            Fault("POST /rest/api/2/issue", "drop_after", times=2),
            Fault("POST /rest/api/2/issue/{key}/comment", "drop_after", times=2),
            Fault("POST /rest/api/2/issueLink", "drop_after"),
            Fault("POST /rest/api/2/issue/{key}/attachments", "drop_after"),
            Fault("GET /rest/api/2/search/jql", "server_error", times=2),
        )
        home.start_bot()
        key = home.start()
        play_until_deposit(home)
        home.partner.drop(sample(home), incoming(home))
        home.jira.faults.add(Fault("POST /rest/api/2/issue/{key}/transitions", "drop_after"))
        play_to_the_end(home)
        wait_until("the end", lambda: home.status(key)["state"] == "done")
        wait_until("the transition", lambda: store.issues["ACT-1"].status.category.key == "done")
        assert set(home.states(key).values()) == {"done", "not_applicable"}
        assert list(store.issues) == ["ACT-1", "DB-1"]
        parent, ticket = store.issues.values()
        markers = [comment.body.rpartition("\n")[2] for comment in parent.comments]
        assert len(markers) == len(set(markers)) > 8
        assert [file.filename for file in ticket.attachments] == ["ONB-1-ofc_flux.json"]
        assert [(link.source, link.target) for link in store.links.values()] == [("DB-1", "ACT-1")]
        for lost in ("issue", "issueLink", "issue/{key}/comment", "issue/{key}/attachments", "issue/{key}/transitions"):
            assert home.jira.faults.take(f"POST /rest/api/2/{lost}") is None
        home.stop_bot()
        assert home.jira.token not in home.log()


def test_the_doctor_asks_for_the_address_that_clouds_token_needs(tmp_path: Path) -> None:
    with house(tmp_path, jira_kind="Cloud") as home:
        told = home.command("doctor")
        assert told.returncode == 0, told.stdout
        del home.environment["ONBOARDING_JIRA__EMAIL"]
        told = home.command("doctor")
        assert told.returncode == 1
        assert "set JIRA__EMAIL" in " ".join(told.stdout.split())
