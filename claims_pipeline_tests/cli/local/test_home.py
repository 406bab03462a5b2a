"""The home of everything a command writes."""

from pathlib import Path

import pytest
import yaml

from claims_pipeline.cli.local.home import prepare_home, process_environment, shipped_file
from claims_pipeline.errors import SettingsError
from claims_pipeline.settings import load_settings


def test_a_new_home_has_the_shipped_dagster_yaml(tmp_path: Path) -> None:
    home = prepare_home(load_settings({"CLAIMS_HOME": str(tmp_path / "home")}))
    link = home.dagster_home / "dagster.yaml"
    assert link.resolve() == shipped_file("dagster.yaml").resolve()
    assert home.logs.is_dir()
    assert home.path.stat().st_mode & 0o007 == 0


def test_preparing_again_follows_a_checkout_that_has_moved(tmp_path: Path) -> None:
    settings = load_settings({"CLAIMS_HOME": str(tmp_path / "home")})
    link = prepare_home(settings).dagster_home / "dagster.yaml"
    link.unlink()
    link.symlink_to(tmp_path / "where-it-was" / "dagster.yaml")
    prepare_home(settings)
    assert link.resolve() == shipped_file("dagster.yaml").resolve()


def test_a_dagster_yaml_of_the_operators_is_left_alone(tmp_path: Path) -> None:
    settings = load_settings({"CLAIMS_HOME": str(tmp_path / "home")})
    settings.dagster_home.mkdir(parents=True)
    own = settings.dagster_home / "dagster.yaml"
    own.write_text("telemetry:\n  enabled: false\n")
    prepare_home(settings)
    assert not own.is_symlink()


def test_a_home_that_cannot_be_made_is_a_settings_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError) as error:
        prepare_home(load_settings({"CLAIMS_HOME": str(tmp_path / "file" / "home")}))
    assert error.value.code == "home_unusable"


def test_every_dagster_process_hides_errors_of_user_code(tmp_path: Path) -> None:
    settings = load_settings({"CLAIMS_HOME": str(tmp_path)})
    environment = process_environment(settings, {"PATH": "/bin"})
    assert environment["DAGSTER_REDACT_USER_CODE_ERRORS"] == "1"
    assert environment["DAGSTER_HOME"] == str(tmp_path / "dagster")
    assert Path(environment["CLAIMS_HOME"]).is_absolute()
    assert environment["PATH"] == "/bin"


def test_both_dagster_files_differ_in_storage_only() -> None:
    embedded = yaml.safe_load(shipped_file("dagster.yaml").read_text())
    with_postgresql = yaml.safe_load(
        (shipped_file("dagster.yaml").parent / "docker" / "dagster.yaml").read_text()
    )
    assert "postgres" in with_postgresql.pop("storage")
    assert embedded == with_postgresql
