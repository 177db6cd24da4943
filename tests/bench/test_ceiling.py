"""Recorded commands of one job stand for those of many."""

from bench.ceiling import encoded
from bench.commands import Sent, _add


def test_every_job_has_ids_of_its_own_and_of_the_same_length() -> None:
    template = [
        [b"SET", b"n2f:job:job_0123456789", b'{"id": "job_0123456789"}'],
        [b"GET", b"arq:job:job_0123456789:e-1"],
    ]
    first, second = encoded(template, 1), encoded(template, 2)
    assert first == encoded(template, 1) != second
    assert first.startswith(b"*3\r\n$3\r\nSET\r\n$22\r\nn2f:job:job_0000000001\r\n$24\r\n")
    assert b"job_0123456789" not in first + second
    assert len(first) == len(second)


def test_what_monitor_shows_becomes_commands_with_those_of_their_scripts() -> None:
    sent: list[Sent] = []
    _add(sent, b'+1700000000.123456 [0 127.0.0.1:40000] "SET" "a key" "\\"\\x00\\\\\\n"\r\n')
    _add(sent, b'+1700000000.123456 [0 127.0.0.1:40000] "EVALSHA" "abc" "1" "k"\r\n')
    _add(sent, b'+1700000000.123456 [0 lua] "hset" "k" "f" "v"\r\n')
    assert [one.words for one in sent] == [[b"SET", b"a key", b'"\x00\\\n'], [b"EVALSHA", b"abc", b"1", b"k"]]
    assert sent[1].inner == ["HSET"]
