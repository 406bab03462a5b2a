"""Ports are tested before anything is started on them."""

import socket

import pytest

from claims_pipeline.cli.local.ports import WantedPort, require_free_ports
from claims_pipeline.cli.local.processes import free_port, port_is_free
from claims_pipeline.errors import SettingsError


def page_on(number: int) -> WantedPort:
    return WantedPort(number=number, what="the upload page", variable="API_PORT")


def dagster_on(number: int) -> WantedPort:
    return WantedPort(number=number, what="Dagster's UI", variable="PORT")


def test_free_ports_are_passed() -> None:
    require_free_ports("dev", [page_on(8000), dagster_on(3000)], is_free=lambda _: True)


def test_each_taken_port_is_named_with_the_command_that_chooses_others() -> None:
    with pytest.raises(SettingsError) as error:
        require_free_ports(
            "dev",
            [page_on(8000), dagster_on(3000)],
            is_free=lambda number: number not in {3000, 8000, 8001},
        )
    assert error.value.code == "port_taken"
    assert error.value.message == (
        "Port 8000 is taken (the upload page). Port 3000 is taken (Dagster's UI). Choose another: "
        "make dev API_PORT=8002 PORT=3001, or claims-pipeline dev --api-port 8002 --port 3001."
    )


def test_a_port_that_two_want_is_taken_for_the_second() -> None:
    with pytest.raises(SettingsError, match="make dev PORT=8001,"):
        require_free_ports("dev", [page_on(8000), dagster_on(8000)], is_free=lambda _: True)


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_port_on_which_somebody_listens_is_not_free(host: str) -> None:
    port = free_port()
    assert port_is_free(port)
    with socket.create_server((host, port)):
        assert not port_is_free(port)
