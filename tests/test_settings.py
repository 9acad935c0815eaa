"""The settings: the example explains and loads every one; the environment wins; errors name the setting."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from bot.onboarding.errors import SettingsError
from bot.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[1] / "docs" / "onboarding.example.toml"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_example_loads() -> None:
    settings = load_settings(**tomllib.loads(EXAMPLE.read_text("utf-8")))
    assert settings.jira is not None
    assert settings.transfer is not None
    assert settings.transfer.partner_account("PARTNER-ONE") is not None


def test_the_example_names_every_setting() -> None:
    written = set(re.findall(r"^#? ?([a-z_]+) = ", EXAMPLE.read_text("utf-8"), flags=re.MULTILINE))
    assert named(Settings) <= written


def named(model: type[BaseModel]) -> set[str]:
    found: set[str] = set()
    for name, field in model.model_fields.items():
        inner = [kind for kind in (field.annotation, *getattr(field.annotation, "__args__", ())) if _is_model(kind)]
        found |= set().union(*(named(kind) for kind in inner)) if inner else {field.alias or name}
    return found - {"fields", "partners", "probes"}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_lists_and_mappings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ROLES__MANAGER": "U1, U2",
        "ROLES__ADMIN": '["U3"]',
        "JIRA__URL": "http://127.0.0.1:1",
        "JIRA__TOKEN": "t",
        "JIRA__PROJECT": "ACT",
        "JIRA__DATABASE_PROJECT": "DB",
        "JIRA__FIELDS": '{"client_root": "customfield_1"}',
        "TRANSFER__HOST": "h",
        "TRANSFER__USERNAME": "u",
        "TRANSFER__PASSWORD": "p",
        "TRANSFER__PARTNERS__PARTNER_ONE__USERNAME": "p1",
        "TRANSFER__PARTNERS__PARTNER_ONE__PASSWORD": "s1",
        "PROBES__MYTEM__KIND": "http",
        "PROBES__MYTEM__URL": "http://127.0.0.1:1/{root}",
    }.items():
        monkeypatch.setenv(f"ONBOARDING_{name}", value)
    settings = load_settings()
    assert settings.roles.by_role() == {"manager": ["U1", "U2"], "data_base": [], "admin": ["U3"]}
    assert settings.jira is not None
    assert settings.jira.fields == {"client_root": "customfield_1"}
    assert settings.transfer is not None
    assert settings.transfer.partner_account("PARTNER-ONE") is not None
    assert set(settings.probes) == {"mytem"}


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "onboarding.toml").write_text('language = "es"\ndata_dir = "kept"\n')
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "en")
    settings = load_settings()
    assert (settings.language, settings.data_dir) == ("en", Path("kept"))


def test_wrong_settings_are_all_named_and_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARDING_LANGUAGE", "de")
    monkeypatch.setenv("ONBOARDING_SLACK__BOT_TOKEN", "xoxb-secret")
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    assert "LANGUAGE" in str(wrong.value)
    assert "SLACK__APP_TOKEN" in str(wrong.value)
    assert "xoxb-secret" not in str(wrong.value)
