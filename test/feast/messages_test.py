"""Our .proto files of Feast's wires against the package feast: names, numbers and types of all that we have of them."""

import importlib
import os
import pathlib
import pkgutil
import subprocess
import tempfile
import unittest

import feast.protos.feast
from google.protobuf import descriptor_pb2, descriptor_pool

SOURCE = pathlib.Path(os.environ["SW_SOURCE_DIR"])
OURS = ("feast_core", "feast_grpc_server", "feast_registry", "feast_serving", "feast_types")


def load_theirs():
    """Every message of the package, in the default pool."""
    for module in pkgutil.walk_packages(feast.protos.feast.__path__, "feast.protos.feast."):
        if module.name.endswith("_pb2"):
            importlib.import_module(module.name)
    return descriptor_pool.Default()


def load_ours():
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "ours"
        subprocess.run(["protoc", f"--descriptor_set_out={out}", "--include_imports", f"-I{SOURCE}",
                        *(f"proto/{name}.proto" for name in OURS)], cwd=SOURCE, check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return [pool.FindFileByName(f"proto/{name}.proto") for name in OURS]


def nested(messages):
    for message in messages:
        yield message
        yield from nested(message.nested_types)


class MessagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.theirs, cls.ours = load_theirs(), load_ours()

    def describe(self, field):
        """What its bytes depend on, and its name."""
        kind = field.message_type or field.enum_type
        oneof = field.containing_oneof
        return (field.name, field.type, field.is_repeated, kind and kind.full_name,
                oneof and not oneof.name.startswith("_") and oneof.name)

    def test_messages(self):
        seen = 0
        for file in self.ours:
            for message in nested(file.message_types_by_name.values()):
                theirs = self.theirs.FindMessageTypeByName(message.full_name)
                for field in message.fields:
                    self.assertIn(field.number, theirs.fields_by_number, f"{message.full_name}.{field.name}")
                    self.assertEqual(self.describe(field), self.describe(theirs.fields_by_number[field.number]), message.full_name)
                    seen += 1
        self.assertGreater(seen, 500)

    def test_enums(self):
        for file in self.ours:
            enums = [*file.enum_types_by_name.values()]
            for message in nested(file.message_types_by_name.values()):
                enums += message.enum_types
            for enum in enums:
                theirs = self.theirs.FindEnumTypeByName(enum.full_name).values_by_number
                for value in enum.values:
                    self.assertEqual(value.name, theirs[value.number].name, enum.full_name)

    def test_every_method_of_every_service(self):
        services = [service for file in self.ours for service in file.services_by_name.values()]
        self.assertEqual(len(services), 3)
        for service in services:
            theirs = self.theirs.FindServiceByName(service.full_name)
            self.assertEqual({method.name: (method.input_type.full_name, method.output_type.full_name) for method in service.methods},
                             {method.name: (method.input_type.full_name, method.output_type.full_name) for method in theirs.methods})


if __name__ == "__main__":
    unittest.main()
