"""RTCP: what we send can be read by aiortc, what others send is understood, rubbish is stepped over."""

import struct

from aiortc import rtp as aiortc_rtp
from hypothesis import given
from hypothesis import strategies as st

from kak_server.media.engine import rtcp


def test_aiortc_reads_what_we_send() -> None:
    reception = rtcp.Reception()
    for sequence in (10, 11, 13):
        reception.packet(7, sequence)
    compound = reception.report(1, 0.0) + rtcp.sdes(1, "kak") + rtcp.remb(1, 7, 1_234_567) + rtcp.pli(1, 7)
    compound += rtcp.nack(1, 7, [12, 65_535]) + rtcp.sender_report(1, 1_000_500, 99, 3, 480)
    report, names, remb, pli, nack, sender = aiortc_rtp.RtcpPacket.parse(compound)
    assert isinstance(report, aiortc_rtp.RtcpRrPacket)
    assert (report.ssrc, report.reports[0].ssrc, report.reports[0].highest_sequence) == (1, 7, 13)
    assert (report.reports[0].packets_lost, report.reports[0].fraction_lost) == (1, 64)
    assert isinstance(names, aiortc_rtp.RtcpSdesPacket)
    assert names.chunks[0].items == [(1, b"kak")]
    assert isinstance(remb, aiortc_rtp.RtcpPsfbPacket)
    bitrate, ssrcs = aiortc_rtp.unpack_remb_fci(remb.fci)
    assert abs(bitrate - 1_234_567) < 10
    assert ssrcs == [7]
    assert isinstance(pli, aiortc_rtp.RtcpPsfbPacket)
    assert (pli.fmt, pli.media_ssrc) == (1, 7)
    assert isinstance(nack, aiortc_rtp.RtcpRtpfbPacket)
    assert nack.lost == [12, 65_535]
    assert isinstance(sender, aiortc_rtp.RtcpSrPacket)
    assert (sender.sender_info.rtp_timestamp, sender.sender_info.packet_count) == (99, 3)
    assert sender.sender_info.ntp_timestamp >> 32 == 1_000 + 2_208_988_800


def test_we_read_what_aiortc_sends() -> None:
    nack = aiortc_rtp.RtcpRtpfbPacket(fmt=1, ssrc=1, media_ssrc=2, lost=[5, 6, 9, 300])
    pli = aiortc_rtp.RtcpPsfbPacket(fmt=1, ssrc=1, media_ssrc=2)
    info = aiortc_rtp.RtcpReceiverInfo(
        ssrc=2, fraction_lost=64, packets_lost=4, highest_sequence=9, jitter=0, lsr=0, dlsr=0
    )
    report = aiortc_rtp.RtcpRrPacket(ssrc=1, reports=[info])
    feedback = rtcp.parse(bytes(report) + bytes(nack) + bytes(pli))
    assert feedback.nack == [5, 6, 9, 300]
    assert feedback.picture_lost
    assert feedback.lost == 0.25
    assert rtcp.parse(bytes(aiortc_rtp.RtcpByePacket(sources=[1]))).bye


def test_a_sender_report_comes_back_in_the_next_report() -> None:
    feedback = rtcp.parse(rtcp.sender_report(5, 12_345_678, 1, 1, 1))
    assert feedback.sender_report_ntp
    reception = rtcp.Reception()
    reception.packet(5, 1)
    reception.sender_report(feedback.sender_report_ntp, 1_000.0)
    report = aiortc_rtp.RtcpPacket.parse(reception.report(1, 3_000.0))[0]
    assert isinstance(report, aiortc_rtp.RtcpRrPacket)
    assert (report.reports[0].lsr, report.reports[0].dlsr) == (feedback.sender_report_ntp, 2 * 65_536)


def test_loss_is_counted_between_reports_and_over_the_wrap() -> None:
    reception = rtcp.Reception()
    for sequence in (65_534, 65_535, 0, 1):
        reception.packet(5, sequence)
    fractions = [struct.unpack_from("!I", reception.report(1, 0.0), 12)[0] >> 24]
    for sequence in (2, 4):
        reception.packet(5, sequence)
    fractions.append(struct.unpack_from("!I", reception.report(1, 0.0), 12)[0] >> 24)
    assert fractions == [0, 256 // 3]


@given(st.binary(max_size=300))
def test_rubbish_is_stepped_over(data: bytes) -> None:
    feedback = rtcp.parse(data)
    assert len(feedback.nack) <= rtcp.SEQUENCES_MAX + 17
    rtcp.parse(b"\x81\xcd\x00\x40" + data)
    rtcp.parse(b"\x8f\xce\x00\x03" + data)
