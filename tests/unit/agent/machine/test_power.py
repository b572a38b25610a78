"""What a board draws comes from a source that measures the whole of it, or is not told."""

import os
from pathlib import Path

import pytest

from edgeproof_agent.machine.power import METER, PMIC, find_power_source, pmic_watts
from tests.support.fake_root import tree

# As a Raspberry Pi 5 answers `vcgencmd pmic_read_adc`, written down from the firmware's format.
PMIC_ANSWER = """\
   3V7_WL_SW_A current(0)=0.10000000A
     3V3_SYS_A current(1)=0.10000000A
     1V8_SYS_A current(2)=0.20000000A
    DDR_VDD2_A current(3)=0.03000000A
    DDR_VDDQ_A current(4)=0.00000000A
     1V1_SYS_A current(5)=0.20000000A
      0V8_SW_A current(6)=0.30000000A
    VDD_CORE_A current(7)=1.00000000A
     3V3_DAC_A current(17)=0.00000000A
     3V3_ADC_A current(18)=0.00000000A
     0V8_AON_A current(16)=0.00500000A
        HDMI_A current(22)=0.01000000A
   3V7_WL_SW_V volt(8)=3.70000000V
     3V3_SYS_V volt(9)=3.30000000V
     1V8_SYS_V volt(10)=1.80000000V
    DDR_VDD2_V volt(11)=1.10000000V
    DDR_VDDQ_V volt(12)=0.60000000V
     1V1_SYS_V volt(13)=1.10000000V
      0V8_SW_V volt(14)=0.80000000V
    VDD_CORE_V volt(15)=0.75000000V
     3V3_DAC_V volt(20)=3.30000000V
     3V3_ADC_V volt(21)=3.30000000V
     0V8_AON_V volt(19)=0.80000000V
        HDMI_V volt(23)=5.00000000V
       EXT5V_V volt(24)=5.10000000V
        BATT_V volt(25)=0.00000000V
"""
# Worked out by hand: .37 + .33 + .36 + .033 + 0 + .22 + .24 + .75 + 0 + 0 + .004 + .05.
PMIC_WATTS = 2.357

INA226 = {
    "sys/class/hwmon/hwmon2/name": "ina226\n",
    "sys/class/hwmon/hwmon2/in0_input": "12\n",
    "sys/class/hwmon/hwmon2/in1_input": "5100\n",
    "sys/class/hwmon/hwmon2/curr1_input": "800\n",
    "sys/class/hwmon/hwmon2/power1_input": "4075000\n",
}
JETSON_ORIN_NANO = {
    "sys/class/hwmon/hwmon1/name": "ina3221\n",
    **{
        f"sys/class/hwmon/hwmon1/{kind}{channel}_{suffix}": text
        for channel, label, millivolts, milliamperes in (
            (1, "VDD_IN", 5000, 1200),
            (2, "VDD_CPU_GPU_CV", 5000, 300),
            (3, "VDD_SOC", 5000, 250),
        )
        for kind, suffix, text in (
            ("in", "label", f"{label}\n"),
            ("in", "input", f"{millivolts}\n"),
            ("curr", "input", f"{milliamperes}\n"),
        )
    },
    "sys/class/hwmon/hwmon0/name": "cpu_thermal\n",
    "sys/class/hwmon/hwmon0/temp1_input": "50000\n",
}


def test_the_rails_of_a_pmic_are_added_up() -> None:
    assert pmic_watts(PMIC_ANSWER) == pytest.approx(PMIC_WATTS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'error=1 error_msg="Command not registered"',
        PMIC_ANSWER[: len(PMIC_ANSWER) // 2],
        PMIC_ANSWER.replace("VDD_CORE_V volt(15)=0.75000000V", "VDD_CORE_V volt(15)=nan"),
        PMIC_ANSWER.replace("1.00000000A", "9999.00000000A"),
        "\n".join(line for line in PMIC_ANSWER.splitlines() if "VDD" in line or "3V3" in line),
    ],
)
def test_a_part_of_the_rails_is_no_figure_of_the_board(text: str) -> None:
    assert pmic_watts(text) is None


def test_a_sensor_in_the_supply_is_a_meter(tmp_path: Path) -> None:
    source = find_power_source(tree(tmp_path, INA226))
    assert source is not None
    assert (source.name, source.kind, source.read()) == ("ina226", METER, 4.075)


def test_without_a_power_of_its_own_volts_times_amperes_are_taken(tmp_path: Path) -> None:
    files = {name: text for name, text in INA226.items() if "power1" not in name}
    source = find_power_source(tree(tmp_path, files))
    assert source is not None
    assert source.read() == pytest.approx(5.1 * 0.8)


def test_of_a_jetsons_rails_the_one_that_all_flows_through_counts(tmp_path: Path) -> None:
    source = find_power_source(tree(tmp_path, JETSON_ORIN_NANO))
    assert source is not None
    assert source.name == "ina3221 VDD_IN"
    assert source.read() == pytest.approx(6.0)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {name: text.replace("VDD_IN", "VDD_GPU") for name, text in JETSON_ORIN_NANO.items()},
        {**INA226, **{name.replace("hwmon2", "hwmon3"): text for name, text in INA226.items()}},
        {**INA226, "sys/class/hwmon/hwmon2/name": "coretemp\n"},
        {**INA226, "sys/class/hwmon/hwmon2/power1_input": "0\n"},
        {**INA226, "sys/class/hwmon/hwmon2/power1_input": "99999999999\n"},
        {"sys/class/hwmon/hwmon2/name": "ina226\n", "sys/class/hwmon/hwmon2/in1_input": "5100\n"},
    ],
)
def test_where_no_channel_is_known_to_be_the_board_nothing_is_told(tmp_path: Path, files: dict[str, str]) -> None:
    assert find_power_source(tree(tmp_path, files)) is None


def test_a_source_that_falls_silent_tells_nothing_more(tmp_path: Path) -> None:
    source = find_power_source(tree(tmp_path, INA226))
    assert source is not None
    (tmp_path / "sys/class/hwmon/hwmon2/power1_input").unlink()
    (tmp_path / "sys/class/hwmon/hwmon2/curr1_input").write_text("broken\n")
    assert source.read() is None


@pytest.mark.parametrize(
    ("answer", "watts"),
    [
        ({"outcome": "ok", "output": PMIC_ANSWER}, PMIC_WATTS),
        ({"outcome": "failed", "output": PMIC_ANSWER}, None),
        ({"outcome": "ok", "output": "error=1"}, None),
        ({"outcome": "hung", "output": ""}, None),
        ({"outcome": "absent", "output": ""}, None),
    ],
)
def test_a_raspberry_pi_is_asked_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: dict[str, str], watts: float | None
) -> None:
    asked: list[str] = []

    def ask(question: str, limit: int) -> dict[str, str]:
        asked.append(question)
        return {**answer, "output": answer["output"][:limit]}

    monkeypatch.setattr("edgeproof_agent.machine.power.ask_firmware", ask)
    assert find_power_source(tmp_path) is None
    assert asked == []
    source = find_power_source(tree(tmp_path, {"dev/vcio": ""}))
    assert (source is not None) == (watts is not None)
    if source is not None:
        assert source.kind == PMIC
        assert source.read() == pytest.approx(watts)
    assert set(asked) == {"pmic_read_adc"}


def test_a_command_that_answers_as_a_pi_5_does_is_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "bin" / "vcgencmd"
    tree(tmp_path, {"bin/vcgencmd": f"#!/bin/sh\ncat <<'END'\n{PMIC_ANSWER}END\n", "root/dev/vcio": ""})
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    source = find_power_source(tmp_path / "root")
    assert source is not None
    assert source.read() == pytest.approx(PMIC_WATTS)
