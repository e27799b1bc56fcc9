"""The whole configuration, and the folders and addresses that follow from it."""

from pathlib import Path

from pydantic import Field

from kak_server.config.areas import AreaServiceSection
from kak_server.config.fields import Section
from kak_server.config.integrators import IntegratorSection
from kak_server.config.listening import ListenerSection
from kak_server.config.people import OperatorSection, QueueSection, RoomSection
from kak_server.config.places import (
    JournalSection,
    LimitsSection,
    MediaSection,
    RadioSection,
    RoutingSection,
    ServerSection,
    SipSection,
    StorageSection,
)
from kak_server.config.skills import SkillSection
from kak_server.config.staffing import StaffingSection
from kak_server.config.statistics import StatisticsSection

SOURCE_TREE = Path(__file__).resolve().parents[3]  # where an editable installation lies


class Settings(Section):
    """One node's configuration. Every section but `rooms` and `queues` has defaults."""

    server: ServerSection = Field(default_factory=ServerSection, description="the control process as a whole")
    sip: SipSection = Field(default_factory=SipSection, description="SIP towards the carriers")
    media: MediaSection = Field(default_factory=MediaSection, description="the media worker and its ports")
    rooms: tuple[RoomSection, ...] = Field(min_length=1, max_length=1_000, description="control rooms")
    skills: tuple[SkillSection, ...] = Field(
        (), max_length=500, description="catalogue of skills; empty: any word is one"
    )
    queues: tuple[QueueSection, ...] = Field(min_length=1, max_length=2_000, description="services in an area")
    areas: tuple[AreaServiceSection, ...] = Field((), max_length=20, description="services of many municipalities")
    operators: tuple[OperatorSection, ...] = Field((), max_length=20_000, description="people who may sign in")
    integrators: tuple[IntegratorSection, ...] = Field(
        (), max_length=100, description="programs that bring chats and alarms"
    )
    radio: RadioSection = Field(default_factory=RadioSection, description="the TETRA network")
    storage: StorageSection = Field(default_factory=StorageSection, description="the database of records")
    journal: JournalSection = Field(default_factory=JournalSection, description="the journal of decisions")
    routing: RoutingSection = Field(default_factory=RoutingSection, description="times of the routing core")
    staffing: StaffingSection = Field(default_factory=StaffingSection, description="people's days")
    limits: LimitsSection = Field(default_factory=LimitsSection, description="bounds")
    statistics: StatisticsSection = Field(default_factory=StatisticsSection, description="figures by half hour")

    @property
    def data_dir(self) -> Path:
        """Folder of everything the server keeps."""
        return self.server.data_dir

    @property
    def worker_socket(self) -> Path:
        """Unix socket of the media worker."""
        return self.media.worker_socket or self.data_dir / "worker.sock"

    @property
    def recordings_dir(self) -> Path:
        """Folder of recorded tracks."""
        return self.media.recordings_dir or self.data_dir / "recordings"

    @property
    def prompts_dir(self) -> Path:
        """Folder of announcements."""
        return self.media.prompts_dir or self.data_dir / "prompts"

    @property
    def journal_dir(self) -> Path:
        """Folder of the journal's segments."""
        return self.data_dir / "journal"

    @property
    def logs_dir(self) -> Path:
        """Folder of the log files that the lab's supervisor opens."""
        return self.data_dir / "logs"

    @property
    def storage_url(self) -> str:
        """SQLAlchemy URL of the records."""
        return self.storage.url or f"sqlite:///{(self.data_dir / 'records.db').absolute()}"

    @property
    def sip_address(self) -> str:
        """Address that SIP peers see."""
        return self.sip.advertised_address or self.server.advertised_address

    @property
    def sip_listeners(self) -> tuple[ListenerSection, ...]:
        """Where SIP is taken: the listeners, or the one that the short form makes."""
        sip = self.sip
        if sip.listeners:
            return sip.listeners
        return (
            ListenerSection(
                host=sip.host,
                port=sip.port,
                transports=("udp", "tcp") if sip.tcp else ("udp",),
                advertised_address=sip.advertised_address,
                advertised_port=sip.advertised_port,
            ),
        )

    @property
    def media_address(self) -> str:
        """Address in the SDP we send."""
        return self.media.advertised_address or self.server.advertised_address

    @property
    def web_dist(self) -> Path:
        """Folder of the built console."""
        return self.server.http.web_dist or SOURCE_TREE / "web" / "dist"

    @property
    def http_url(self) -> str:
        """Where a person opens the console."""
        http = self.server.http
        if http.public_url:
            return http.public_url
        scheme = "https" if http.tls else "http"
        host = self.server.advertised_address if http.host in ("0.0.0.0", "::") else http.host
        host = "localhost" if host in ("127.0.0.1", "::1") else f"[{host}]" if ":" in host else host
        return f"{scheme}://{host}:{http.port}"
