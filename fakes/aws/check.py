"""Tests of the stand-in itself: `python check.py`, with the Python that has moto."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

HERE = Path(__file__).parent
ROOT = os.geteuid() == 0
REGION = "eu-west-1"


class StandIn:
    """The program, and a client of it that never retries."""

    def __init__(self) -> None:
        command = [sys.executable, str(HERE)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.endpoint: str = json.loads(self.process.stdout.readline())["endpoint"]

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, inject_host_prefix=False),
        )

    def page(self, method: str, page: str, value: Any = None) -> Any:
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self.endpoint}/_stand_in/{page}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def world(self, *groups: dict[str, Any]) -> list[list[str]]:
        made = self.page("POST", "world", {"groups": [{"region": REGION} | group for group in groups]})
        return [[member["id"] for member in group["instances"]] for group in made["groups"]]

    def run(self, instance: str, *commands: str, **parameters: str) -> str:
        given = {"commands": list(commands)} | {name: [value] for name, value in parameters.items()}
        sent = self.client("ssm").send_command(
            DocumentName="AWS-RunShellScript", InstanceIds=[instance], Parameters=given, TimeoutSeconds=30
        )
        return str(sent["Command"]["CommandId"])

    def outcome(self, command: str, instance: str) -> dict[str, Any]:
        ssm = self.client("ssm")

        def ended() -> dict[str, Any] | None:
            told: dict[str, Any] = ssm.get_command_invocation(CommandId=command, InstanceId=instance)
            return None if told["Status"] in ("Pending", "InProgress") else told

        told: dict[str, Any] = until(ended)
        return told

    def ran(self, instance: str, *commands: str, **parameters: str) -> dict[str, Any]:
        return self.outcome(self.run(instance, *commands, **parameters), instance)

    def close(self) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        status = self.process.wait(30)
        self.process.stdout.close()
        return status


def until(ask: Callable[[], Any], seconds: float = 20) -> Any:
    limit = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < limit, f"no result of {ask} in {seconds} seconds"
        time.sleep(0.02)
    return found


def left_of(process: int) -> list[str]:
    """The remaining processes and files of a stand-in."""
    prefix = f"chaos-ssm-{process}-"
    places = [Path("/run/netns"), Path("/etc/netns"), Path(tempfile.gettempdir())]
    found = [str(path) for place in places if place.exists() for path in place.glob(f"{prefix}*")]
    for entry in Path("/proc").glob("[0-9]*/environ"):
        try:
            if prefix.encode() in entry.read_bytes():
                found.append(str(entry))
        except OSError:
            pass
    return found


class Case(unittest.TestCase):
    stand_in: StandIn

    @classmethod
    def setUpClass(cls) -> None:
        cls.stand_in = StandIn()

    @classmethod
    def tearDownClass(cls) -> None:
        status = cls.stand_in.close()
        assert status == 0, f"ended with {status}"
        assert not left_of(cls.stand_in.process.pid), left_of(cls.stand_in.process.pid)

    def setUp(self) -> None:
        self.stand_in.page("DELETE", "world")

    def fault(self, **fault: Any) -> None:
        self.stand_in.page("POST", "faults", fault)

    def refused(self, code: str, status: int, call: Callable[[], Any]) -> ClientError:
        with self.assertRaises(ClientError) as raised:
            call()
        answer = raised.exception.response
        self.assertEqual(
            (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]), (code, status)
        )
        return raised.exception


class Record(Case):
    def test_every_protocol_is_recognised(self) -> None:
        client = self.stand_in.client
        client("ec2").describe_instances()
        client("autoscaling", "us-west-2").describe_auto_scaling_groups()
        client("ssm").describe_instance_information()
        client("sts").get_caller_identity()
        client("sns").list_topics()
        client("ses").list_identities()
        fis = client("fis")
        fis.list_experiments()
        self.refused("ResourceNotFoundException", 404, lambda: fis.get_experiment(id="EXP123"))
        self.refused("ResourceNotFoundException", 404, lambda: fis.stop_experiment(id="EXP123"))
        with self.assertRaises(ClientError):
            client("sesv2").send_email(
                FromEmailAddress="nobody@example.com",
                Destination={"ToAddresses": ["a@example.com"]},
                Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
            )
        calls = self.stand_in.page("GET", "calls?parameters")
        self.assertEqual(
            [(call["service"], call["action"], call["region"]) for call in calls],
            [
                ("ec2", "DescribeInstances", REGION),
                ("autoscaling", "DescribeAutoScalingGroups", "us-west-2"),
                ("ssm", "DescribeInstanceInformation", REGION),
                ("sts", "GetCallerIdentity", REGION),
                ("sns", "ListTopics", REGION),
                ("ses", "ListIdentities", REGION),
                ("fis", "ListExperiments", REGION),
                ("fis", "GetExperiment", REGION),
                ("fis", "StopExperiment", REGION),
                ("ses", "SendEmail", REGION),
            ],
        )
        self.assertEqual([call["status"] for call in calls[:7]], [200] * 7)
        self.assertEqual(calls[7]["parameters"]["path"], ["EXP123"])
        self.assertGreater(calls[0]["moto_seconds"], 0)
        self.stand_in.page("DELETE", "calls")
        self.assertEqual(self.stand_in.page("GET", "calls"), [])

    def test_a_fis_experiment_runs_its_way(self) -> None:
        fis = self.stand_in.client("fis")
        action = {"actionId": "aws:fis:wait", "parameters": {"duration": "PT1M"}}
        template = fis.create_experiment_template(
            clientToken="t",
            description="wait",
            stopConditions=[{"source": "none"}],
            roleArn="arn:aws:iam::123456789012:role/fis",
            actions={"wait": action},
            targets={},
        )["experimentTemplate"]["id"]
        experiment = fis.start_experiment(clientToken="fault-1", experimentTemplateId=template)["experiment"][
            "id"
        ]
        fis.stop_experiment(id=experiment)
        calls = self.stand_in.page("GET", "calls?parameters")
        self.assertEqual(
            [call["action"] for call in calls],
            ["CreateExperimentTemplate", "StartExperiment", "StopExperiment"],
        )
        self.assertEqual(calls[1]["parameters"]["clientToken"], "fault-1")


class Trouble(Case):
    def test_throttling_in_the_words_of_each_service(self) -> None:
        self.fault(do="throttle", count=0)
        client = self.stand_in.client
        self.refused("RequestLimitExceeded", 503, client("ec2").describe_instances)
        self.refused("Throttling", 400, client("autoscaling").describe_auto_scaling_groups)
        self.refused("ThrottlingException", 400, client("ssm").describe_instance_information)
        self.refused("ThrottlingException", 429, client("fis").list_experiments)
        self.refused("TooManyRequestsException", 429, client("sesv2").list_email_identities)
        self.assertEqual(self.stand_in.page("GET", "faults")[0]["met"], 5)
        self.stand_in.page("DELETE", "faults")
        client("ec2").describe_instances()

    def test_access_denied_names_the_permission(self) -> None:
        self.fault(do="access_denied", count=0)
        client = self.stand_in.client
        terminate = client("ec2").terminate_instances
        error = self.refused("UnauthorizedOperation", 403, lambda: terminate(InstanceIds=["i-0abc"]))
        self.assertIn("perform: ec2:TerminateInstances on resource: arn:aws:ec2:eu-west-1:", str(error))
        self.refused("AccessDenied", 403, client("autoscaling").describe_auto_scaling_groups)
        self.refused("AccessDeniedException", 400, client("ssm").describe_instance_information)
        self.refused("AccessDeniedException", 403, client("fis").list_experiments)
        self.refused("AuthorizationError", 403, client("sns").list_topics)

    def test_expired_tokens_and_errors_of_the_server(self) -> None:
        client = self.stand_in.client
        codes = {
            "expired_token": [("RequestExpired", 400), ("ExpiredToken", 403), ("ExpiredTokenException", 400)],
            "http_500": [("InternalError", 500), ("InternalFailure", 500), ("InternalServerError", 500)],
        }
        for do, (ec2, autoscaling, ssm) in codes.items():
            self.stand_in.page("DELETE", "faults")
            self.fault(do=do, count=0)
            self.refused(*ec2, client("ec2").describe_instances)
            self.refused(*autoscaling, client("autoscaling").describe_auto_scaling_groups)
            self.refused(*ssm, client("ssm").describe_instance_information)

    def test_any_other_error_and_a_delay(self) -> None:
        self.fault(do="delay", milliseconds=300, service="ec2")
        self.fault(do="error", code="InsufficientInstanceCapacity", status=500, service="ec2")
        begun = time.monotonic()
        self.refused("InsufficientInstanceCapacity", 500, self.stand_in.client("ec2").describe_instances)
        self.assertGreaterEqual(time.monotonic() - begun, 0.3)

    def test_only_the_calls_that_were_meant(self) -> None:
        autoscaling = self.stand_in.client("autoscaling")
        self.fault(do="throttle", action="Describe*", service="autoscaling", region=REGION, nth=2, count=2)
        self.stand_in.client("autoscaling", "us-east-1").describe_auto_scaling_groups()
        self.stand_in.client("ec2").describe_instances()
        outcomes = []
        for _ in range(5):
            try:
                autoscaling.describe_auto_scaling_groups()
                outcomes.append("answered")
            except ClientError:
                outcomes.append("throttled")
        self.assertEqual(outcomes, ["answered", "throttled", "throttled", "answered", "answered"])
        calls = self.stand_in.page("GET", "calls")
        self.assertEqual([call["fault"] for call in calls], [[], [], [], ["throttle"], ["throttle"], [], []])

    def test_a_page_of_a_listing(self) -> None:
        self.stand_in.world({"name": "g", "count": 250, "size": 0})
        self.fault(do="cut_before", action="DescribeAutoScalingGroups", page=3)
        pages = self.stand_in.client("autoscaling").get_paginator("describe_auto_scaling_groups")
        read = []
        with self.assertRaises(ConnectionClosedError):
            for page in pages.paginate(PaginationConfig={"PageSize": 100}):
                read.append(len(page["AutoScalingGroups"]))
        self.assertEqual(read, [100, 100])
        calls = self.stand_in.page("GET", "calls")
        self.assertEqual([(call["page"], call["status"]) for call in calls], [(1, 200), (2, 200), (3, None)])

    def test_a_cut_before_changes_nothing_and_one_after_does(self) -> None:
        [members] = self.stand_in.world({"name": "web", "size": 3})
        ec2 = self.stand_in.client("ec2")

        def state(instance: str) -> str:
            found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
            return str(found["State"]["Name"])

        for do, after in (("cut_before", "running"), ("cut_after", "terminated")):
            self.fault(do=do, action="TerminateInstances")
            with self.assertRaises(ConnectionClosedError):
                ec2.terminate_instances(InstanceIds=[members[0]])
            self.assertEqual(state(members[0]), after)

    def test_answers_end_early_at_the_places_that_were_meant(self) -> None:
        self.stand_in.world({"name": "web"})
        autoscaling, ssm = self.stand_in.client("autoscaling"), self.stand_in.client("ssm")
        for look in (autoscaling.describe_auto_scaling_groups, ssm.describe_instance_information):
            self.stand_in.page("DELETE", "calls")
            whole = look()
            pieces = self.stand_in.page("GET", "calls")[0]["pieces"]
            self.assertGreater(pieces, 10)
            self.fault(do="cut_short", places=[1, pieces - 1], count=0)
            for _ in range(2):
                # boto3 turns JSON that it cannot read into an answer without any of its fields.
                with contextlib.suppress(ResponseParserError):
                    self.assertNotIn("InstanceInformationList", look())
            self.assertEqual(look().keys(), whole.keys())
            cut = [call["cut_before_piece"] for call in self.stand_in.page("GET", "calls")]
            self.assertEqual(cut, [None, 1, pieces - 1, None])
            self.stand_in.page("DELETE", "faults")
        self.fault(do="cut_short", twentieths=19)
        self.assertRaises(ResponseParserError, autoscaling.describe_auto_scaling_groups)

    def test_listings_tell_twice_and_do_not_end(self) -> None:
        self.stand_in.world({"name": "web"})
        autoscaling = self.stand_in.client("autoscaling")
        self.fault(do="twice", action="DescribeAutoScalingGroups")
        groups = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        self.assertEqual([group["AutoScalingGroupName"] for group in groups], ["web", "web"])
        self.fault(do="endless", action="DescribeAutoScalingGroups", count=0)
        token, seen = None, []
        for _ in range(3):
            page = autoscaling.describe_auto_scaling_groups(**({"NextToken": token} if token else {}))
            token = page["NextToken"]
            seen.append((len(page["AutoScalingGroups"]), token))
        self.assertEqual([count for count, _ in seen], [1, 0, 0])
        self.assertEqual(len({token for _, token in seen}), 3)

    def test_what_a_proxy_says_and_when_to_ask_again(self) -> None:
        for do, status in (("web_page", 200), ("empty", 200), ("web_page", 407)):
            self.fault(do=do, status=status, retry_after=7)
            request = urllib.request.Request(f"{self.stand_in.endpoint}/", b"Action=DescribeInstances")
            scope = "AWS4-HMAC-SHA256 Credential=test/20260302/eu-west-1/ec2/aws4_request"
            request.add_header("Authorization", scope)
            try:
                answer = urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                body = answer.read()
                self.assertEqual((answer.status, answer.headers["Retry-After"]), (status, "7"))
                self.assertEqual(b"<html>" in body, do == "web_page")

    def test_a_fault_that_is_mistyped_is_refused(self) -> None:
        mistyped = [{"do": "trottle"}, {"do": "delay", "millis": 3}, {"do": "throttle", "nth": "2"}]
        for fault in (*mistyped, {"do": "cut_short", "places": ["1"]}):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                self.stand_in.page("POST", "faults", fault)
            with raised.exception:
                self.assertEqual(raised.exception.code, 400)
        self.assertEqual(self.stand_in.page("GET", "faults"), [])


class Policies(Case):
    def allow(self, *statements: dict[str, Any], excepted: str = "setup") -> None:
        statements = tuple({"Effect": "Allow", "Resource": "*"} | statement for statement in statements)
        self.stand_in.page("POST", "policy", {"policy": {"Statement": statements}, "except": [excepted]})

    def test_only_what_is_allowed_and_whatever_those_do_who_are_excepted(self) -> None:
        [[member]] = self.stand_in.world({"name": "web"})
        self.allow({"Action": ["ec2:DescribeInstances"]})
        ec2, autoscaling = self.stand_in.client("ec2"), self.stand_in.client("autoscaling")
        ec2.describe_instances()
        error = self.refused("AccessDenied", 403, autoscaling.describe_auto_scaling_groups)
        self.assertIn("perform: autoscaling:DescribeAutoScalingGroups because", str(error))
        error = self.refused(
            "UnauthorizedOperation", 403, lambda: ec2.terminate_instances(InstanceIds=[member])
        )
        self.assertIn(
            f"ec2:TerminateInstances on resource: arn:aws:ec2:eu-west-1:123456789012:instance/{member}",
            str(error),
        )
        told = ec2.describe_instances(InstanceIds=[member])["Reservations"][0]["Instances"][0]
        self.assertEqual(told["State"]["Name"], "running")
        self.allow(excepted="test")
        autoscaling.describe_auto_scaling_groups()
        permissions = [call["permissions"] for call in self.stand_in.page("GET", "calls")]
        self.assertEqual(
            permissions[:2], [["ec2:DescribeInstances"], ["autoscaling:DescribeAutoScalingGroups"]]
        )
        self.assertEqual(permissions[-1], [])

    def test_resources_and_their_tags(self) -> None:
        [[mine], [other]] = self.stand_in.world({"name": "mine", "tags": {"team": "shop"}}, {"name": "other"})
        everywhere, of_team = "arn:aws:ec2:*:*:instance/*", {"aws:ResourceTag/team": "shop"}
        self.allow(
            {"Action": "ec2:StopInstances", "Resource": everywhere, "Condition": {"StringEquals": of_team}},
            {"Action": "ec2:StartInstances", "Resource": "arn:aws:ec2:us-east-1:*:instance/*"},
            {
                "Action": "ec2:RebootInstances",
                "Resource": everywhere,
                "Condition": {"StringNotEqualsIgnoreCase": {"aws:ResourceTag/team": "SHOP"}},
            },
            {"Action": "ssm:SendCommand", "Resource": "arn:aws:ssm:*:*:document/AWS-RunShellScript"},
            {
                "Action": "ssm:SendCommand",
                "Resource": everywhere,
                "Condition": {"StringLike": {"ssm:resourceTag/team": "*"}},
            },
        )
        ec2, ssm = self.stand_in.client("ec2"), self.stand_in.client("ssm")

        def send(document: str, instance: str) -> Any:
            return ssm.send_command(
                DocumentName=document, InstanceIds=[instance], Parameters={"commands": ["true"]}
            )

        denied = "UnauthorizedOperation"
        send("AWS-RunShellScript", mine)
        self.refused("AccessDeniedException", 400, lambda: send("AWS-RunShellScript", other))
        self.refused("AccessDeniedException", 400, lambda: send("AWS-RunRemoteScript", mine))
        self.refused(denied, 403, lambda: ec2.start_instances(InstanceIds=[mine]))
        self.refused(denied, 403, lambda: ec2.stop_instances(InstanceIds=[mine, other]))
        self.refused(denied, 403, lambda: ec2.reboot_instances(InstanceIds=[mine]))
        ec2.reboot_instances(InstanceIds=[other])
        ec2.stop_instances(InstanceIds=[mine])

    def test_a_dry_run_changes_nothing_and_is_judged(self) -> None:
        [[member]] = self.stand_in.world({"name": "web"})
        ec2 = self.stand_in.client("ec2")
        ec2.stop_instances(InstanceIds=[member])
        self.stand_in.page("DELETE", "calls")

        def start() -> Any:
            return ec2.start_instances(InstanceIds=[member], DryRun=True)

        self.refused("DryRunOperation", 412, start)
        self.allow({"Action": "ec2:DescribeInstances"})
        self.refused("UnauthorizedOperation", 403, start)
        found = ec2.describe_instances(InstanceIds=[member])["Reservations"][0]["Instances"][0]
        self.assertEqual(found["State"]["Name"], "stopped")
        self.assertEqual([call["dry_run"] for call in self.stand_in.page("GET", "calls")], [True, True, False])

    def test_tags_ask_for_more(self) -> None:
        client = self.stand_in.client("ec2")
        vpc = client.describe_vpcs()["Vpcs"][0]["VpcId"]
        tags = [{"Key": "owner", "Value": "x"}]
        tagged = {"TagSpecifications": [{"ResourceType": "security-group", "Tags": tags}]}
        groups, anywhere = "arn:aws:ec2:*:*:security-group/*", "arn:aws:ec2:*:*:vpc/*"

        def create(**more: Any) -> Any:
            return client.create_security_group(GroupName="g", Description="d", VpcId=vpc, **more)

        making: dict[str, Any] = {"Action": "ec2:CreateSecurityGroup"}
        wanted = {"StringLike": {"aws:RequestTag/owner": "*"}}
        may_make = [making | {"Resource": groups, "Condition": wanted}, making | {"Resource": anywhere}]
        self.allow(*may_make)
        error = self.refused("UnauthorizedOperation", 403, lambda: create(**tagged))
        self.assertIn("perform: ec2:CreateTags on resource", str(error))
        tagging: dict[str, Any] = {"Action": "ec2:CreateTags", "Resource": groups}
        on_creation = {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}}
        only = {"ForAllValues:StringEquals": {"aws:TagKeys": ["other"]}}
        self.allow(*may_make, tagging | {"Condition": on_creation | only})
        self.refused("UnauthorizedOperation", 403, lambda: create(**tagged))
        self.allow(*may_make, tagging | {"Condition": on_creation})
        error = self.refused("UnauthorizedOperation", 403, create)
        self.assertIn("perform: ec2:CreateSecurityGroup", str(error))
        group = create(**tagged)["GroupId"]
        asked = self.stand_in.page("GET", "calls")[-1]["permissions"]
        self.assertEqual(asked, ["ec2:CreateSecurityGroup", "ec2:CreateTags"])
        self.refused("UnauthorizedOperation", 403, lambda: client.delete_security_group(GroupId=group))
        self.refused("UnauthorizedOperation", 403, lambda: client.create_tags(Resources=[group], Tags=tags))

    def test_what_is_not_understood_is_refused(self) -> None:
        fine = {"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": "*"}
        for more in (
            {"Effect": "Deny"},
            {"Action": "ec2:*"},
            {"NotAction": "ec2:StartInstances"},
            {"Condition": {"NumericEquals": {"x": "1"}}},
            {"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:*:*:*"},
        ):
            with self.assertRaises(urllib.error.HTTPError) as raised:
                self.stand_in.page("POST", "policy", {"policy": {"Statement": [fine | more]}})
            with raised.exception:
                self.assertEqual(raised.exception.code, 400, more)


class World(Case):
    def test_a_spot_instance_may_be_about_to_be_interrupted(self) -> None:
        [members] = self.stand_in.world({"name": "web", "size": 2})
        ec2 = self.stand_in.client("ec2")
        for member, status in zip(members, ("fulfilled", "marked-for-termination"), strict=True):
            self.stand_in.page("POST", "member", {"instance": member, "spot": status})
        told = ec2.describe_instances(InstanceIds=members)["Reservations"]
        lifecycles = [instance.get("InstanceLifecycle") for one in told for instance in one["Instances"]]
        self.assertEqual(lifecycles, ["spot", "spot"])
        marked = [{"Name": "status-code", "Values": ["marked-for-termination", "marked-for-stop"]}]
        requests = ec2.describe_spot_instance_requests(Filters=marked)["SpotInstanceRequests"]
        self.assertEqual([request["InstanceId"] for request in requests], members[1:])

    def test_the_same_world_again(self) -> None:
        description = {
            "name": "web",
            "count": 3,
            "size": 5,
            "zones": [f"{REGION}a", f"{REGION}b", f"{REGION}c"],
        }
        first = self.stand_in.world(description)
        self.stand_in.page("DELETE", "world")
        self.assertEqual(self.stand_in.world(description), first)
        self.assertEqual([len(members) for members in first], [5, 5, 5])

    def test_members_are_as_described(self) -> None:
        self.stand_in.world({"name": "web", "size": 4, "tags": {"chaos:enabled": "true"}, "protected": True})
        autoscaling, ec2 = self.stand_in.client("autoscaling"), self.stand_in.client("ec2")
        [group] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
        self.assertEqual((group["DesiredCapacity"], group["MinSize"], group["MaxSize"]), (4, 0, 8))
        zones = sorted(member["AvailabilityZone"] for member in group["Instances"])
        self.assertEqual(zones, [f"{REGION}a"] * 2 + [f"{REGION}b"] * 2)
        self.assertTrue(all(member["ProtectedFromScaleIn"] for member in group["Instances"]))
        for reservation in ec2.describe_instances()["Reservations"]:
            for instance in reservation["Instances"]:
                tags = {tag["Key"]: tag["Value"] for tag in instance["Tags"]}
                self.assertEqual((tags["chaos:enabled"], tags["aws:autoscaling:groupName"]), ("true", "web"))
                self.assertTrue(instance["NetworkInterfaces"][0]["Groups"])
        member = group["Instances"][0]["InstanceId"]
        self.stand_in.page("POST", "member", {"instance": member, "lifecycle_state": "Terminating:Wait"})
        [told] = autoscaling.describe_auto_scaling_instances(InstanceIds=[member])["AutoScalingInstances"]
        self.assertEqual(told["LifecycleState"], "Terminating:Wait")

    def test_nobody_answers_where_there_is_no_region(self) -> None:
        with self.assertRaises(ConnectionClosedError):
            self.stand_in.client("ec2", "eu-west-9").describe_instances()

    def test_what_is_terminated_is_not_brought_back(self) -> None:
        [[one]] = self.stand_in.world({"name": "web"})
        ec2 = self.stand_in.client("ec2")
        ec2.terminate_instances(InstanceIds=[one])
        for call in (ec2.stop_instances, ec2.start_instances, ec2.reboot_instances):
            self.refused("IncorrectInstanceState", 400, partial(call, InstanceIds=[one]))
        ec2.terminate_instances(InstanceIds=[one])
        [told] = ec2.describe_instances(InstanceIds=[one])["Reservations"]
        self.assertEqual(told["Instances"][0]["State"]["Name"], "terminated")

    def test_groups_heal_when_they_are_told_to(self) -> None:
        [members] = self.stand_in.world({"name": "web", "size": 3})
        autoscaling, ec2 = self.stand_in.client("autoscaling"), self.stand_in.client("ec2")

        def size() -> int:
            [group] = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"]
            return len(group["Instances"])

        ec2.terminate_instances(InstanceIds=[members[0]])
        self.assertEqual(size(), 3)
        self.stand_in.page("POST", "healing", {"milliseconds": None})
        ec2.terminate_instances(InstanceIds=[members[1]])
        self.assertEqual(size(), 2)
        self.stand_in.page("POST", "healing", {"milliseconds": 200})
        ec2.terminate_instances(InstanceIds=[members[2]])
        self.assertEqual(size(), 1)
        until(lambda: size() == 3)


class Notifications(Case):
    def test_what_is_published_and_mailed_is_told_and_nothing_of_its_making_is_a_call(self) -> None:
        make = {"region": REGION, "topic": "chaos", "sender": "chaos@example.com"}
        topic = self.stand_in.page("POST", "notifications", make)["topic"]
        self.assertEqual(topic, f"arn:aws:sns:{REGION}:123456789012:chaos")
        fifo = self.stand_in.page("POST", "notifications", {"region": REGION, "topic": "chaos.fifo"})["topic"]
        self.assertEqual(self.stand_in.page("GET", "calls"), [])

        sns = self.stand_in.client("sns")
        kind = {"kind": {"DataType": "String", "StringValue": "recovered"}}
        sns.publish(TopicArn=topic, Subject="one", Message="first", MessageAttributes=kind)
        grouped = {"MessageGroupId": "a", "MessageDeduplicationId": "1"}
        sns.publish(TopicArn=fifo, Message="second", **grouped)
        self.refused("NotFound", 404, lambda: sns.publish(TopicArn=f"{topic}-2", Message="nobody"))
        content = {"Simple": {"Subject": {"Data": "two"}, "Body": {"Text": {"Data": "third"}}}}
        recipients = {"ToAddresses": ["a@example.com", "B <b@example.com>"]}

        def mail(sender: str) -> None:
            ses = self.stand_in.client("sesv2")
            ses.send_email(FromEmailAddress=sender, Destination=recipients, Content=content)

        mail("Chaos <chaos@example.com>")
        self.refused("MessageRejected", 400, lambda: mail("nobody@example.com"))
        plain = {"topic": topic, "subject": "one", "body": "first"}
        ordered = {"topic": fifo, "subject": None, "body": "second"}
        mailed = {"region": REGION, "sender": "Chaos <chaos@example.com>", "recipients": recipients}
        told = self.stand_in.page("GET", "notifications")
        self.assertEqual(
            told,
            {
                "published": [
                    plain | {"attributes": {"kind": "recovered"}, "group": None},
                    ordered | {"attributes": {}, "group": "a"},
                ],
                "mailed": [mailed | {"subject": "two", "body": "third"}],
            },
        )
        calls = [(call["service"], call["action"]) for call in self.stand_in.page("GET", "calls")]
        self.assertEqual(calls, [("sns", "Publish")] * 3 + [("ses", "SendEmail")] * 2)
        self.stand_in.page("DELETE", "world")
        self.assertEqual(self.stand_in.page("GET", "notifications"), {"published": [], "mailed": []})


class Alarms(Case):
    def setUp(self) -> None:
        super().setUp()
        # botocore would choose JSON, which moto speaks.
        with unittest.mock.patch("botocore.model.PRIORITY_ORDERED_SUPPORTED_PROTOCOLS", ("smithy-rpc-v2-cbor",)):
            self.cloudwatch = self.stand_in.client("cloudwatch")

    def alarm(self, name: str) -> None:
        self.cloudwatch.put_metric_alarm(
            AlarmName=name,
            Namespace="Shop",
            MetricName="Latency",
            Statistic="Average",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.5,
            ComparisonOperator="GreaterThanThreshold",
        )

    def test_alarms_of_the_types_that_are_asked_for(self) -> None:
        self.alarm("shop")
        self.cloudwatch.put_composite_alarm(AlarmName="shops", AlarmRule="ALARM(shop)")
        told = self.cloudwatch.describe_alarms()
        self.assertEqual([alarm["AlarmName"] for alarm in told["MetricAlarms"]], ["shop"])
        self.assertEqual(told["CompositeAlarms"], [])
        (alarm,) = told["MetricAlarms"]
        self.assertEqual((alarm["StateValue"], alarm["Threshold"]), ("INSUFFICIENT_DATA", 1.5))
        self.assertLess(abs(alarm["StateUpdatedTimestamp"].timestamp() - time.time()), 60)
        for name in ("shop", "shops"):
            self.cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
        # It is not new, so it keeps its state.
        self.alarm("shop")
        for kind, name in (("MetricAlarm", "shop"), ("CompositeAlarm", "shops")):
            told = self.cloudwatch.describe_alarms(AlarmTypes=[kind])
            alarms = told["MetricAlarms"] + told["CompositeAlarms"]
            self.assertEqual([(alarm["AlarmName"], alarm["StateValue"]) for alarm in alarms], [(name, "ALARM")])

    def test_metrics_keep_their_times_and_numbers(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        ages = {10: 3, 130: 1.5}
        data = [
            {"MetricName": "Latency", "Value": value, "Timestamp": now - timedelta(seconds=age)}
            for age, value in ages.items()
        ]
        self.cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
        metric = {"Namespace": "Shop", "MetricName": "Latency"}
        (told,) = self.cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "all", "MetricStat": {"Metric": metric, "Period": 1, "Stat": "Sum"}}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now,
            ScanBy="TimestampDescending",
        )["MetricDataResults"]
        self.assertEqual(told["Timestamps"], [now - timedelta(seconds=age) for age in ages])
        self.assertEqual(told["Values"], [3.0, 1.5])

    def test_refusals_have_the_codes_of_both_protocols(self) -> None:
        for fault, status, code, older in (
            ("throttle", 400, "ThrottlingException", "Throttling"),
            ("access_denied", 403, "AccessDeniedException", "AccessDenied"),
            ("expired_token", 403, "ExpiredTokenException", "ExpiredToken"),
            ("http_500", 500, "InternalServiceFault", "InternalFailure"),
        ):
            self.fault(do=fault)
            refused = self.refused(older, status, self.cloudwatch.describe_alarms)
            self.assertEqual(refused.response["Error"]["QueryErrorCode"], code)
        unknown = {"AlarmName": "nobody", "StateValue": "OK", "StateReason": "a test"}
        self.refused("ResourceNotFound", 404, partial(self.cloudwatch.set_alarm_state, **unknown))


class Scripts(Case):
    def setUp(self) -> None:
        super().setUp()
        [self.members] = self.stand_in.world({"name": "web", "size": 12, "tags": {"role": "web"}})
        self.one = self.members[0]

    def pings(self, *instances: str) -> list[str]:
        ssm = self.stand_in.client("ssm")
        filters = [{"Key": "InstanceIds", "Values": list(instances)}]
        told = ssm.describe_instance_information(Filters=filters, MaxResults=50)["InstanceInformationList"]
        return [entry["PingStatus"] for entry in told]

    def test_a_script_runs_with_its_output_and_status(self) -> None:
        told = self.stand_in.ran(self.one, "printf 'a b'", 'printf "$AWS_SSM_INSTANCE_ID" >&2', "exit 3")
        self.assertEqual(
            (told["Status"], told["StatusDetails"], told["ResponseCode"]), ("Failed", "Failed", 3)
        )
        self.assertEqual(told["StandardOutputContent"], "a b")
        self.assertEqual(told["StandardErrorContent"], f"{self.one}failed to run commands: exit status 3")
        told = self.stand_in.ran(self.one, "x=1", 'echo "$x"; pwd; touch file')
        machine = self.stand_in.page("GET", "machines")[0]
        self.assertEqual((told["Status"], told["ResponseCode"]), ("Success", 0))
        self.assertEqual(told["StandardOutputContent"], f"1\n{machine['directory']}\n")
        self.assertTrue((Path(machine["directory"]) / "file").exists())
        told = self.stand_in.ran(self.one, "pwd", workingDirectory="/usr")
        self.assertEqual(told["StandardOutputContent"], "/usr\n")
        told = self.stand_in.ran(self.one, "#!/usr/bin/env python3", "print(6 * 7)")
        self.assertEqual(told["StandardOutputContent"], "42\n")

    def test_output_is_cut_to_size_and_odd_ends_are_told_as_the_agent_does(self) -> None:
        told = self.stand_in.ran(self.one, "head -c 300000 /dev/zero | tr '\\0' x | tee /dev/stderr")
        self.assertEqual(len(told["StandardOutputContent"]), 24_000)
        self.assertEqual(len(told["StandardErrorContent"]), 8_000)
        told = self.stand_in.ran(self.one, "kill -9 $$")
        # Whether `sh -c FILE` becomes the script or waits for it depends on the shell.
        self.assertIn((told["Status"], told["ResponseCode"]), [("Failed", -1), ("TimedOut", 137)])
        told = self.stand_in.ran(self.one, "exit 137")
        self.assertEqual((told["Status"], told["StatusDetails"]), ("TimedOut", "ExecutionTimedOut"))

    def test_a_script_that_takes_too_long_is_ended_with_its_children(self) -> None:
        begun = time.monotonic()
        told = self.stand_in.ran(self.one, "echo begun; sleep 4321 & wait", executionTimeout="1")
        self.assertLess(time.monotonic() - begun, 10)
        self.assertEqual((told["Status"], told["StatusDetails"]), ("TimedOut", "ExecutionTimedOut"))
        self.assertEqual((told["ResponseCode"], told["StandardOutputContent"]), (137, "begun\n"))
        ps = self.stand_in.ran(
            self.one, "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c '[s]leep 4321' || true"
        )
        if ROOT:
            self.assertEqual(ps["StandardOutputContent"], "0\n")

    def test_what_a_script_leaves_behind_lives_on_until_the_instance_ends(self) -> None:
        holder = "setsid sleep 4322 </dev/null >/dev/null 2>&1 &"
        told = self.stand_in.ran(self.one, holder, "echo started", executionTimeout="5")
        self.assertEqual((told["Status"], told["StandardOutputContent"]), ("Success", "started\n"))
        [machine] = self.stand_in.page("GET", "machines")
        sleeps = self.sleeping("4322")
        self.assertEqual(len(sleeps), 1)
        # A process that keeps the output open keeps the command running.
        command = self.stand_in.run(self.one, "sleep 4323 & echo started", executionTimeout="2")
        self.assertEqual(self.stand_in.outcome(command, self.one)["Status"], "TimedOut")
        self.assertEqual(self.sleeping("4322"), sleeps)
        self.stand_in.client("ec2").terminate_instances(InstanceIds=[self.one])
        self.assertEqual(self.sleeping("4322"), [])
        self.assertFalse(Path(machine["directory"]).exists())
        if ROOT:
            self.assertFalse(Path("/run/netns", machine["namespace"]).exists())

    def sleeping(self, seconds: str) -> list[str]:
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if entry.read_bytes() == f"sleep\0{seconds}\0".encode():
                    found.append(entry.parent.name)
            except OSError:
                pass
        return found

    def test_stopped_and_rebooted_instances_lose_what_ran_and_keep_their_files(self) -> None:
        ec2 = self.stand_in.client("ec2")
        for end, again in (("stop_instances", "start_instances"), ("reboot_instances", None)):
            command = self.stand_in.run(self.one, "touch kept; sleep 4324")
            until(lambda: self.sleeping("4324"))
            getattr(ec2, end)(InstanceIds=[self.one])
            self.assertEqual(self.sleeping("4324"), [])
            if again:
                self.assertEqual(self.pings(self.one), ["ConnectionLost"])
                getattr(ec2, again)(InstanceIds=[self.one])
            self.assertEqual(self.pings(self.one), ["Online"])
            told = self.stand_in.ran(self.one, "rm kept")
            self.assertEqual(told["Status"], "Success")
            self.assertEqual(self.stand_in.outcome(command, self.one)["Status"], "Failed")

    def test_many_scripts_at_once(self) -> None:
        commands = [(self.stand_in.run(member, f"echo {member}"), member) for member in self.members * 3]
        for command, member in commands:
            self.assertEqual(self.stand_in.outcome(command, member)["StandardOutputContent"], f"{member}\n")

    def test_a_lost_reply_leaves_a_script_that_runs(self) -> None:
        self.fault(do="cut_after", action="SendCommand")
        with self.assertRaises(ConnectionClosedError):
            self.stand_in.run(self.one, "echo ran")
        ssm = self.stand_in.client("ssm")
        [told] = ssm.list_command_invocations(InstanceId=self.one)["CommandInvocations"]
        self.assertEqual(self.stand_in.outcome(told["CommandId"], self.one)["StandardOutputContent"], "ran\n")

    def test_delivery_waits_for_an_instance_that_is_out_of_reach_and_gives_up(self) -> None:
        self.stand_in.page(
            "POST", "ssm", {"instance": self.one, "ping": "ConnectionLost", "delivery_scale": 0.02}
        )
        self.assertEqual(self.pings(self.one), ["ConnectionLost"])
        told = self.stand_in.ran(self.one, "touch ran")
        self.assertEqual((told["Status"], told["StatusDetails"]), ("TimedOut", "DeliveryTimedOut"))
        self.assertEqual(told["ResponseCode"], -1)
        self.stand_in.page("POST", "ssm", {"delivery_scale": 1})
        command = self.stand_in.run(self.one, "ls")
        self.stand_in.page("POST", "ssm", {"instance": self.one, "ping": "Online"})
        told = self.stand_in.outcome(command, self.one)
        self.assertEqual((told["Status"], told["StandardOutputContent"]), ("Success", "command\n"))
        self.stand_in.page("POST", "ssm", {"instance": self.one, "ping": None})
        self.assertEqual(self.pings(self.one), [])
        self.refused("InvalidInstanceId", 400, lambda: self.stand_in.run(self.one, "true"))

    def test_instance_information_comes_in_pages(self) -> None:
        ssm = self.stand_in.client("ssm")
        self.assertEqual(len(ssm.describe_instance_information()["InstanceInformationList"]), 10)
        pages = list(ssm.get_paginator("describe_instance_information").paginate(MaxResults=5))
        self.assertEqual([len(page["InstanceInformationList"]) for page in pages], [5, 5, 2])
        self.assertEqual([call["page"] for call in self.stand_in.page("GET", "calls")], [1, 1, 2, 3])
        elsewhere = self.stand_in.client("ssm", "us-east-1").describe_instance_information()
        self.assertEqual(elsewhere["InstanceInformationList"], [])

    def test_targets_by_tag_comments_and_cancelling(self) -> None:
        ssm = self.stand_in.client("ssm")
        sent = ssm.send_command(
            DocumentName="AWS-RunShellScript",
            Targets=[{"Key": "tag:role", "Values": ["web"]}],
            Parameters={"commands": ["sleep 4325"]},
            Comment="fault-1",
        )["Command"]
        self.assertEqual((len(sent["InstanceIds"]), sent["Comment"]), (12, "fault-1"))
        until(lambda: len(self.sleeping("4325")) == 12)
        ssm.cancel_command(CommandId=sent["CommandId"])
        self.assertEqual(self.stand_in.outcome(sent["CommandId"], self.one)["Status"], "Cancelled")
        until(lambda: not self.sleeping("4325"))
        self.refused(
            "InvalidDocument", 400, lambda: ssm.send_command(DocumentName="No", InstanceIds=[self.one])
        )


@unittest.skipUnless(ROOT, "network namespaces need root")
class Networks(Case):
    def setUp(self) -> None:
        super().setUp()
        [self.members] = self.stand_in.world({"name": "web", "size": 2})
        self.one = self.members[0]

    def connects(self, host: str, port: int) -> bool:
        machine = self.stand_in.page("POST", "machines", {"instance": self.one, "region": REGION})
        program = f"import socket; socket.create_connection(({host!r}, {port}), 1).close()"
        command = ["ip", "netns", "exec", machine["namespace"], sys.executable, "-c", program]
        return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0

    def test_an_instance_has_its_own_network_and_processes(self) -> None:
        self.assertTrue(self.connects("peer", 80))
        self.assertTrue(self.connects("169.254.169.254", 80))
        self.assertTrue(self.connects(f"ssm.{REGION}.amazonaws.com", 443))
        script = "cat /sys/class/net/*/address | wc -l; cat /proc/1/cmdline; ip -o -4 address show dev eth0"
        told = self.stand_in.ran(self.one, script)["StandardOutputContent"]
        address = self.stand_in.page("GET", "machines")[0]["address"]
        self.assertTrue(told.startswith("2\ncat\0") and address in told, told)
        # The rules of one instance do not exist on another, nor here.
        self.stand_in.ran(self.one, "nft add table inet mine")
        other = self.stand_in.ran(self.members[1], "nft list tables")
        self.assertEqual((other["Status"], other["StandardOutputContent"]), ("Success", ""))
        self.assertNotIn(
            "inet mine", subprocess.run(["nft", "list", "tables"], capture_output=True, text=True).stdout
        )

    def test_each_has_a_disk_of_its_own(self) -> None:
        one, other = (
            self.stand_in.page("POST", "machines", {"instance": member, "region": REGION})
            for member in self.members[:2]
        )
        self.assertEqual(one["disk"], other["disk"])
        fill = self.stand_in.ran(self.one, f"head -c 100000000 /dev/zero > {one['disk']}/full")
        self.assertEqual(fill["Status"], "Success")
        free = "df -k --output=avail " + one["disk"] + " | tail -n 1"
        told = [int(self.stand_in.ran(member, free)["StandardOutputContent"]) for member in self.members[:2]]
        self.assertEqual(told[1], 256 * 1024)
        self.assertLess(told[0], told[1] - 97_000)
        self.assertEqual(list(Path(one["disk"]).iterdir()), [])

    def test_a_blackhole_that_forgets_the_endpoints_loses_the_connection(self) -> None:
        chain = "{ type filter hook output priority 0; policy drop; }"
        drop = f"nft 'add table inet t; add chain inet t out {chain}'"
        self.assertEqual(self.stand_in.ran(self.one, "true")["Status"], "Success")
        command = self.stand_in.run(self.one, drop)
        filters = [{"Key": "InstanceIds", "Values": [self.one]}]
        ssm = self.stand_in.client("ssm")

        def lost() -> bool:
            [told] = ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
            return bool(told["PingStatus"] == "ConnectionLost")

        until(lost)
        told = ssm.get_command_invocation(CommandId=command, InstanceId=self.one)
        self.assertEqual(told["Status"], "InProgress")
        [machine] = self.stand_in.page("GET", "machines")
        undo = ["ip", "netns", "exec", machine["namespace"], "nft", "delete", "table", "inet", "t"]
        subprocess.run(undo, check=True)
        self.assertEqual(self.stand_in.outcome(command, self.one)["Status"], "Success")
        # A rule that lets them through does not cut it off.
        allow = f"{drop[:-1]}; add rule inet t out ip daddr 10.200.0.1 tcp dport 443 accept'"
        self.assertEqual(self.stand_in.ran(self.one, allow)["Status"], "Success")
        self.assertFalse(lost())
        self.assertFalse(self.connects("peer", 80))


class Ends(unittest.TestCase):
    def test_nothing_is_left_in_whatever_way_it_ends(self) -> None:
        for way in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL, None):
            with self.subTest(way=way):
                self.end(way)

    def end(self, way: signal.Signals | None) -> None:
        stand_in = StandIn()
        pid = stand_in.process.pid
        [[one]] = stand_in.world({"name": "web"})
        stand_in.ran(one, "setsid sleep 4326 </dev/null >/dev/null 2>&1 &")
        stand_in.run(one, "sleep 4327")
        until(lambda: len(left_of(pid)) > 3)
        if way:
            stand_in.process.send_signal(way)
            # Its standard input is still open: only the signal can end it.
            status = stand_in.process.wait(30)
            stand_in.close()
        else:
            status = stand_in.close()
        if way == signal.SIGKILL:
            self.assertEqual(status, -9)
            until(lambda: not left_of(pid))
        else:
            self.assertEqual(status, 0)
            self.assertEqual(left_of(pid), [])


class Experiments(Case):
    def setUp(self) -> None:
        super().setUp()
        self.stand_in.page("POST", "fis", {"scale": 0.01})
        [self.ids] = self.stand_in.world({"name": "web", "size": 3})
        self.fis, self.ec2 = self.stand_in.client("fis"), self.stand_in.client("ec2")

    def template(self, action: str, selection: str = "COUNT(1)", group: str = "web", **parameters: str) -> str:
        target = {
            "resourceType": "aws:ec2:instance",
            "resourceTags": {"aws:autoscaling:groupName": group},
            "selectionMode": selection,
        }
        made = self.fis.create_experiment_template(
            description="",
            stopConditions=[{"source": "none"}],
            roleArn="arn:aws:iam::123456789012:role/fis",
            targets={"some": target},
            actions={"do": {"actionId": action, "parameters": parameters, "targets": {"Instances": "some"}}},
        )
        return str(made["experimentTemplate"]["id"])

    def start(self, template: str, **more: Any) -> str:
        started = self.fis.start_experiment(experimentTemplateId=template, **more)["experiment"]
        self.assertEqual(started["state"]["status"], "pending")
        return str(started["id"])

    def reaches(self, experiment: str, status: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            told: dict[str, Any] = self.fis.get_experiment(id=experiment)["experiment"]["state"]
            return told if told["status"] == status else None

        told: dict[str, Any] = until(there)
        return told

    def running(self) -> int:
        reservations = self.ec2.describe_instances(InstanceIds=self.ids)["Reservations"]
        instances = [one for reservation in reservations for one in reservation["Instances"]]
        return sum(one["State"]["Name"] == "running" for one in instances)

    def test_one_that_is_stopped_undoes_what_it_did(self) -> None:
        template = self.template("aws:ec2:stop-instances", startInstancesAfterDuration="PT1H")
        experiment = self.start(template, clientToken="once", tags={"of": "me"})
        self.reaches(experiment, "running")
        until(lambda: self.running() == 2)
        again = self.fis.start_experiment(experimentTemplateId=template, clientToken="once")["experiment"]
        self.assertEqual(again["id"], experiment)
        [listed] = self.fis.list_experiments(experimentTemplateId=template)["experiments"]
        self.assertEqual((listed["tags"], listed["state"]["status"]), ({"of": "me"}, "running"))
        stopping = self.fis.stop_experiment(id=experiment)["experiment"]["state"]["status"]
        self.assertEqual(stopping, "stopping")
        self.reaches(experiment, "stopped")
        self.assertEqual(self.running(), 3)
        # It has ended, and does not start again.
        self.fis.stop_experiment(id=experiment)
        self.reaches(experiment, "stopped")

    def test_one_comes_to_its_end_by_itself(self) -> None:
        template = self.template("aws:ec2:stop-instances", "PERCENT(70)", startInstancesAfterDuration="PT30S")
        experiment = self.start(template)
        until(lambda: self.running() == 1)
        self.reaches(experiment, "completed")
        self.assertEqual(self.running(), 3)

    def test_the_group_replaces_what_is_terminated(self) -> None:
        experiment = self.start(self.template("aws:ec2:terminate-instances", "ALL"))
        self.reaches(experiment, "completed")
        groups = self.stand_in.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
        members = {one["InstanceId"] for one in groups[0]["Instances"]}
        self.assertEqual((len(members), members & set(self.ids)), (3, set()))

    def test_nobody_to_hit_and_failures_on_request(self) -> None:
        told = self.reaches(self.start(self.template("aws:ec2:reboot-instances", group="nobody")), "failed")
        self.assertIn("empty set", told["reason"])
        stop = self.template("aws:ec2:stop-instances", startInstancesAfterDuration="PT1H")
        for when in ("before", "while"):
            self.stand_in.page("POST", "fis", {"fail": {"reason": "no permission", "when": when}})
            told = self.reaches(self.start(stop), "failed")
            self.assertEqual((told["reason"], self.running()), ("no permission", 3))


if __name__ == "__main__":
    if not ROOT:
        print("skipped: scripts of AWS instances in network namespaces: only root can make them")
    unittest.main()
