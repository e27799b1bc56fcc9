"""Ports: even ones, none twice, the one that rested longest first."""

import pytest

from kak_server.bridges.port_pool import PortPool


def test_only_even_ports_are_given_out_and_none_twice() -> None:
    pool = PortPool(30_001, 30_008)
    assert [pool.take() for _ in range(5)] == [30_002, 30_004, 30_006, 30_008, None]
    assert pool.in_use == 4


def test_the_port_that_rested_longest_comes_first() -> None:
    pool = PortPool(30_000, 30_005)
    taken = [pool.take() for _ in range(3)]
    assert taken == [30_000, 30_002, 30_004]
    pool.free(30_002)
    pool.free(30_000)
    assert [pool.take(), pool.take()] == [30_002, 30_000]


def test_freeing_twice_gives_it_out_once() -> None:
    pool = PortPool(30_000, 30_003)
    pool.take()
    pool.free(30_000)
    pool.free(30_000)
    pool.free(29_000)
    assert [pool.take(), pool.take(), pool.take()] == [30_002, 30_000, None]


def test_a_claimed_port_is_not_given_out_and_rests_after_it_is_freed() -> None:
    pool = PortPool(30_000, 30_005)
    pool.claim(30_000)
    pool.claim(30_000)
    assert pool.in_use == 1
    pool.free(30_000)
    assert [pool.take(), pool.take(), pool.take(), pool.take()] == [30_002, 30_004, 30_000, None]


def test_a_claim_outside_the_range_is_nobodys_here() -> None:
    pool = PortPool(30_000, 30_003)
    pool.claim(40_000)
    pool.claim(30_001)
    assert pool.in_use == 0


def test_a_range_without_an_even_port_is_refused() -> None:
    with pytest.raises(ValueError, match="no even port"):
        PortPool(30_001, 30_001)
