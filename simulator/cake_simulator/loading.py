"""One engine's plans for stored prefixes: aimed before every step, fed by reads, filled by copies to the device.

The decisions are the engine's own: `cake_engine.core` says where compute and loads meet, which chunk is read next and
what is read ahead. What stands here is what `cake_engine.vllm` is on a real engine: the books of who wants which chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simpy import Environment

from cake_engine.config import LiveConfig
from cake_engine.core.chunk import Chunk
from cake_engine.core.cost import ComputeCost
from cake_engine.core.meeting import Aim, Costs, aim
from cake_engine.core.ordering import Claim, ReadOrder, saving
from cake_engine.core.plan import Plan
from cake_engine.core.plan_costs import Demand, PlanCosts
from cake_engine.core.read_window import ReadWindow
from cake_simulator.active_plan import ActivePlan
from cake_simulator.copies import Copies
from cake_simulator.counters import Counters
from cake_simulator.read_ahead import ReadAhead
from cake_simulator.reads import Reads
from cake_simulator.sequence import Sequence

Aiming = Callable[[Plan, int, LiveConfig, Costs], Aim]
"""Chooses a plan's meeting point for the next step."""


def engines_own(plan: Plan, at: int, live: LiveConfig, costs: Costs) -> Aim:
    """As the engine does."""
    return aim(plan, at, live.mode, costs, live.static_meeting_point)


class Loading:
    """All plans and copies of one engine.

    Attributes:
        reads: What is in memory and on its way.
        ahead: The requests that wait.
        costs: What compute and loads take, learned as on a real engine.
        live: The live configuration.
    """

    def __init__(
        self,
        env: Environment,
        reads: Reads,
        counters: Counters,
        *,
        chunk_tokens: int,
        step_tokens: int,
        copy_bytes_per_second: float,
        aiming: Aiming = engines_own,
    ) -> None:
        self._counters, self._aiming = counters, aiming
        self._size = chunk_tokens
        self._copies = Copies(env, reads.chunk_bytes / copy_bytes_per_second)
        self.reads = reads
        self.ahead = ReadAhead(reads, chunk_tokens)
        self.costs = PlanCosts(ComputeCost(), reads.costs, reads.chunk_bytes, step_tokens)
        self.live = LiveConfig()
        self._demand: Callable[[], Demand] = Demand
        self._silent: dict[str, float] = {}
        self._lost = 0
        self._active: dict[str, ActivePlan] = {}
        self._orders = [ReadOrder() for _ in reads.names]
        self._window = ReadWindow(step_tokens)

    # Requests

    def arrive(self, sequence: Sequence, on_device: int, *, first: bool = False) -> None:
        """A request waits from now on; what is stored of it and not on the device is read ahead."""
        least = self.live.minimum_load_tokens
        self.ahead.arrive(sequence, self._look_up(sequence), on_device, least, first=first)

    def admit(self, sequence: Sequence) -> int:
        """A request has a seat: plan for its stored prefix; the bytes of it that could be loaded."""
        first = -(-sequence.at // self._size)
        tiers = self._look_up_again(sequence, first)
        if len(tiers) * self._size < max(1, self.live.minimum_load_tokens):
            self.ahead.release(sequence)
            return 0
        chunks, end = sorted(tiers), max(tiers) + 1
        here = {chunk for chunk in chunks if self.reads.here(sequence.request.blocks[chunk])}
        sources = {chunk: self.reads.names[tier] for chunk, tier in tiers.items()}
        missing = set(range(first, end)) - tiers.keys()
        plan = Plan(first, end, self._size, resident=here, tiers=sources, missing=missing)
        active = ActivePlan(sequence, plan, sources, self.reads.memory, self._copies.begin)
        for chunk in reversed(chunks):
            if chunk in here:
                active.keep(chunk)
            elif self.reads.coming(active.key(chunk)):
                plan.fetching(chunk)
                self.reads.join(active.key(chunk), active, chunk)
        self.ahead.release(sequence)
        sequence.plan, self._active[sequence.name] = plan, active
        self._look()
        self._aim(active)
        return len(chunks) * self.reads.chunk_bytes

    def drop(self, sequence: Sequence) -> None:
        """A plan ends: all is filled, or the request is gone."""
        self.ahead.release(sequence)
        active = self._active.pop(sequence.name, None)
        if active is None:
            return
        for order in self._orders:
            order.forget(sequence.name)
        for chunk in list(active.near):
            active.pass_by(chunk)
        for chunk in range(active.plan.first, active.plan.end):
            self.reads.leave(active.key(chunk), active)
        self._count(active.plan)
        self._lost += active.lost
        sequence.plan = None

    def computed(self, sequence: Sequence, start: int, stop: int) -> None:
        """Tokens are being computed in the step that begins."""
        active = self._active.get(sequence.name)
        if active is None:
            return
        plan, size = active.plan, self._size
        plan.computed(start, stop)
        for chunk in range(max(plan.first, start // size), min(plan.end, -(-stop // size))):
            if chunk in active.near:
                active.pass_by(chunk)
            self.reads.leave(active.key(chunk), active)

    def configure(self, live: LiveConfig) -> None:
        """Run with this live configuration."""
        self.live = live
        self.reads.configure(live)

    # Each step

    def begin(self, demand: Callable[[], Demand]) -> None:
        """Take in what has been copied, and aim every plan anew."""
        for active, chunk in self._copies.ended():
            if self._active.get(active.sequence.name) is active:
                active.plan.loaded(chunk)
        self._demand, self._silent = demand, self.reads.look()
        if not self._active:
            return
        self._look()
        for active in self._active.values():
            self._aim(active)

    def ask(self) -> None:
        """Begin copies, then ask tiers for what plans miss, and for what requests that wait will need."""
        self.reads.window_seconds = self._window.seconds(self.costs.compute)
        for active in self._active.values():
            self._copies.begin(active)
        if self._active:
            for tier in range(1, len(self.reads.names)):
                self._ask_tier(tier)
        self.ahead.ask(self.live)

    def stepped(self, seconds: float) -> None:
        """A step took so long: what a tier is given has to last for the next."""
        self._window.stepped(seconds)

    @property
    def lost(self) -> int:
        """Chunks that were planned to be loaded and were gone when their turn came."""
        return self._lost + sum(active.lost for active in self._active.values())

    @property
    def next_copy(self) -> float | None:
        """When the next copy ends; None when none is under way."""
        return self._copies.next_end

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way that a request waits for."""
        return self.reads.quiet and self._copies.next_end is None

    @property
    def planning(self) -> bool:
        """Whether a plan is in service."""
        return bool(self._active)

    def give_up(self) -> None:
        """Nothing moves and nothing is on its way: compute the chunk that stands in the way of the first plan."""
        for active in self._active.values():
            for chunk in range(max(active.plan.first, active.sequence.at // self._size), active.plan.end):
                if active.plan[chunk] in (Chunk.STORED, Chunk.RESIDENT, Chunk.FETCHING):
                    active.lose(chunk)
                    return

    # One plan

    def _keys(self, sequence: Sequence) -> tuple[int, ...]:
        # One token is always computed: the one that the first new token comes from.
        return sequence.request.blocks[: (sequence.end - 1) // self._size]

    def _look_up(self, sequence: Sequence) -> dict[int, int]:
        """Number of the tier of each chunk that is stored, 0 for memory, whatever is missing between them."""
        looked = ((chunk, self.reads.look_up(key)) for chunk, key in enumerate(self._keys(sequence)))
        return {chunk: tier for chunk, tier in looked if tier is not None}

    def _look_up_again(self, sequence: Sequence, first: int) -> dict[int, int]:
        """The same from `first` on, as the engine does for a plan: behind a gap only what was found before."""
        keys, known, found = self._keys(sequence), self.ahead.found(sequence), dict[int, int]()
        gap = False
        for chunk in range(first, len(keys)):
            if gap and chunk not in known:
                continue
            tier = self.reads.look_up(keys[chunk])
            if tier is not None:
                found[chunk] = tier
            gap |= tier is None
        return found

    def _look(self) -> None:
        plans = {name: one.plan for name, one in self._active.items()}
        demand = self._demand()
        self.costs.look(demand, plans, self.live, self._silent)
        self._window.look(demand)

    def _aim(self, active: ActivePlan) -> None:
        plan, sequence = active.plan, active.sequence
        goal = self._aiming(plan, sequence.at, self.live, self.costs.of(sequence.name))
        plan.aim(goal.meeting, goal.floor)
        sequence.goal = goal
        if sequence.predicted is None and goal.seconds is not None:
            sequence.predicted = (goal.meeting - plan.first) / (plan.end - plan.first)

    def _ask_tier(self, tier: int) -> None:
        queues = {name: self._missing(active, tier) for name, active in self._active.items()}
        heads: dict[str, int] = {}
        claims: dict[str, Claim] = {}

        def advance(name: str) -> None:
            claims.pop(name, None)
            if (chunk := next(queues[name], None)) is not None:
                heads[name] = chunk
                saved = (1 + self.costs.behind(name)) * self._saving(chunk)
                claims[name] = Claim(name, self._active[name].key(chunk), saved)

        for name in queues:
            advance(name)
        while claims and self.reads.room(tier) > 0:
            name = self._orders[tier].pick(claims.values()).request
            active, chunk = self._active[name], heads[name]
            if self.reads.here(active.key(chunk)):
                active.keep(chunk)
            elif self.reads.coming(active.key(chunk)) or self._read(active.key(chunk), tier):
                active.plan.fetching(chunk)
                self.reads.join(active.key(chunk), active, chunk)
            else:
                return
            advance(name)

    def _missing(self, active: ActivePlan, tier: int) -> Iterator[int]:
        name = self.reads.names[tier]
        for chunk in active.plan.wanted(active.sequence.at):
            if active.plan[chunk] is not Chunk.STORED or chunk in active.near:
                continue
            if not active.tiers[chunk]:  # it was in memory when planned; who still has it?
                active.tiers[chunk] = self.reads.names[self.reads.tier_of(active.key(chunk)) or 1]
            if active.tiers[chunk] == name:
                yield chunk

    def _read(self, key: int, tier: int) -> bool:
        """Begin a read; requests that only wait make way for it in memory."""
        while not self.reads.begin(key, tier, ahead=False):
            if not self.ahead.give_way():
                return False
        return True

    def _saving(self, chunk: int) -> float:
        return saving(self.costs.compute, chunk, self._size, self.reads.chunk_bytes)

    def _count(self, plan: Plan) -> None:
        outcome, counters = plan.outcome(), self._counters
        counters.computed += outcome.computed * self._size
        counters.loaded += outcome.loaded * self._size
        counters.duplicated += outcome.duplicated * self._size
        if outcome.meeting_ratio is not None and not outcome.open:
            counters.meeting.observe(outcome.meeting_ratio)
            if outcome.chosen_ratio is not None:
                counters.chosen.observe(outcome.chosen_ratio)
