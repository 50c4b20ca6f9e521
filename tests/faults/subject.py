"""One CakeDeployment that is brought from one state at rest to the next, and looked at."""

from typing import Any

from cake_operator.apply.kinds import CONFIG_MAPS, DEPLOYMENTS, DISRUPTION_BUDGETS, PODS, SERVICES
from tests.faults import stages
from tests.faults.administrator import Administrator, cake_path
from tests.faults.stages import Stage
from tests.faults.states import State, differences, state_of, status_of
from tests.faults.until import until

Object = dict[str, Any]


class Subject:
    """A CakeDeployment under a fault.

    Attributes:
        path: Where it is.
    """

    def __init__(self, administrator: Administrator, namespace: str, name: str) -> None:
        self.administrator = administrator
        self.namespace = namespace
        self.name = name
        self.path = cake_path(namespace, name)

    async def begin(self, stage: Stage) -> None:
        """Be at rest where the stage begins."""
        spec = stages.before(stage)
        if spec is None:
            return
        await self.write(spec)
        await self.comes_to(stages.asked(spec))

    async def enact(self, stage: Stage) -> None:
        """Do what the stage is about."""
        if stage is Stage.DELETE:
            await self.administrator.delete(self.path)
        elif stage is Stage.DRIFT:
            at = (self.namespace, self.name)
            await self.administrator.delete(SERVICES.path(*at))
            await self.administrator.patch(DISRUPTION_BUDGETS.path(*at), {"spec": {"maxUnavailable": 5}})
            await self.administrator.patch(DEPLOYMENTS.path(*at), {"spec": {"progressDeadlineSeconds": 7}})
        elif (spec := stages.after(stage)) is not None:
            await self.write(spec)

    async def write(self, spec: Object) -> None:
        """Write the resource as its user."""
        await self.administrator.apply(self.path, stages.resource(self.namespace, self.name, spec))

    async def edit(self, name: str, patch: Any) -> None:
        """Edit one of its ConfigMaps by hand, as soon as it is there."""
        path = CONFIG_MAPS.path(self.namespace, f"{self.name}-{name}")

        async def there() -> bool:
            return await self.administrator.get(path) is not None

        await until(there, f"the ConfigMap {name} is there")
        await self.administrator.patch(path, patch)

    async def status(self) -> Object:
        """Its status."""
        cake = await self.administrator.get(self.path)
        return (cake or {}).get("status") or {}

    async def condition(self, kind: str) -> Object:
        """One of its conditions; empty where there is none."""
        return next((one for one in (await self.status()).get("conditions", ()) if one["type"] == kind), {})

    async def tells(self, kind: str, reason: str | None, words: str) -> None:
        """Wait until a condition has a reason (any where it is None), and a message with these words."""
        seen: Object = {}

        async def told() -> bool:
            nonlocal seen
            seen = await self.condition(kind)
            return bool(seen) and reason in (None, seen["reason"]) and words in seen["message"]

        await until(told, lambda: f"{kind} says {reason}, {words!r}: it is {seen}")

    async def pods(self) -> list[str]:
        """The names of its pods that are not going."""
        listed = await self.administrator.get(PODS.path(self.namespace), f"cake.dev/deployment={self.name}")
        return [one["metadata"]["name"] for one in listed["items"] if "deletionTimestamp" not in one["metadata"]]

    async def replicas(self) -> int:
        """What its Deployment asks for."""
        deployment = await self.administrator.get(DEPLOYMENTS.path(self.namespace, self.name))
        return int(deployment["spec"]["replicas"])

    async def comes_to(self, pods: int) -> None:
        """Wait until it has as many pods, and status tells of the present spec and of them."""
        seen: State = {}

        async def there() -> bool:
            nonlocal seen
            seen = await self.state()
            status = seen.get("status")
            told = status is None or (status["of the present spec"] and status["replicas"] == pods)
            return bool(seen["pods"] == pods and told and (status is None) == (len(seen) == 1))

        await until(there, lambda: f"{pods} pods, and a status that tells of them: {seen.get('status')}")

    async def state(self) -> State:
        """What it has come to."""
        cake = await self.administrator.get(self.path)
        found = await self.administrator.of(self.namespace, self.name)
        return state_of(cake, found, found.pop("pods"))

    async def children(self) -> State:
        """What was made for it, without what is said of it."""
        return {key: one for key, one in (await self.state()).items() if key not in ("status", "live")}

    async def reaches(self, expected: State) -> None:
        """Wait until it is in that very state."""
        seen: State = {}

        async def there() -> bool:
            nonlocal seen
            cake = await self.administrator.get(self.path)
            if cake is not None and status_of(cake) != expected.get("status"):
                seen = {**expected, "status": status_of(cake)}  # the children need not be looked at yet
                return False
            seen = await self.state()
            return seen == expected

        await until(there, lambda: f"as without the fault: {'; '.join(differences(seen, expected)[:3])}")
