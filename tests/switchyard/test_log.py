import json
import logging

from switchyard import log


def test_configure__hostile_message__one_escaped_json_line(tmp_path, capsys):
    log.configure("WARNING", tmp_path, "test")
    try:
        log.get_logger("demo").info('a "quoted"\nsecond line \x1b[31m')
    finally:
        log.configure("WARNING")
    lines = (tmp_path / "test.jsonl").read_text().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["message"] == 'a "quoted"\nsecond line \x1b[31m'
    assert "\x1b" not in lines[0]
    assert capsys.readouterr().err == ""


def test_screen__message_and_trace_with_control_characters__cannot_begin_a_line_of_the_log(capsys):
    log.configure("INFO")
    try:
        int("of a client\n12:00:00  forged\x1b[31m")
    except ValueError:
        log.get_logger("demo").exception("asked\r\n12:00:00  forged \x85 \u2028")
    log.configure("WARNING")
    shown = capsys.readouterr().err
    assert "asked\\u000d\\u000a12:00:00  forged" in shown
    assert not {"\x1b", "\r", "\x85", "\u2028"} & set(shown)
    _, *rest = shown.splitlines()
    assert all(line.startswith("  | ") for line in rest)


def test_configure__twice__no_doubled_lines(capsys):
    log.configure("INFO")
    log.configure("INFO")
    log.get_logger("demo").warning("once")
    assert capsys.readouterr().err.count("once") == 1
    log.configure("WARNING")
    assert logging.getLogger("switchyard").level == logging.INFO
