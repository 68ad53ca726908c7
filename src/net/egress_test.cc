#include "net/egress.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/errors.h"

namespace sw::net {
namespace {

SocketAddress Address(const std::string& text) { return ResolveHost(text, 80).value().front(); }

TEST(IsPublicAddress, OnlyThePublicInternetsAre) {
  for (const char* text : {"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
                           "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0",
                           "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2a00::1", "2003::1", "3ffe::1"}) {
    EXPECT_TRUE(IsPublicAddress(Address(text))) << text;
  }
}

TEST(IsPublicAddress, EverythingElseIsNot) {
  for (const char* text :
       {"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254",
        "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1",
        "2001::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1"}) {
    EXPECT_FALSE(IsPublicAddress(Address(text))) << text;
  }
}

// A resolver that knows some names and counts how often it is asked.
class EgressTest : public testing::Test {
 protected:
  std::string Ask(const std::vector<std::string>& allowed, const std::string& host) {
    const EgressGuard guard = EgressGuard::Make(allowed, [this](const std::string& name, std::uint16_t) -> Result<std::vector<SocketAddress>> {
      ++asked_;
      std::vector<SocketAddress> found;
      if (name == "good.com" || name == "a.good.com" || name == "mixed.com") found.push_back(Address("1.1.1.1"));
      if (name == "in.good.com" || name == "mixed.com" || name == "ingood.com") found.push_back(Address("10.1.2.3"));
      if (name == "meta.com") found.push_back(Address("169.254.169.254"));
      if (name == "mapped.com") found.push_back(Address("::ffff:10.1.2.3"));
      return found.empty() ? ResolveHost(name, 80) : found;
    }).value();
    const auto addresses = guard.Resolve(host, 80);
    if (!addresses) return std::string(base::ErrorCodeName(addresses.error().code));
    std::string all;
    for (const SocketAddress& address : *addresses) all += AddressText(address) + " ";
    return all;
  }
  int asked_ = 0;
};

TEST_F(EgressTest, APublicHostPassesAndIsResolvedOnce) {
  EXPECT_EQ(Ask({}, "good.com"), "1.1.1.1 ");
  EXPECT_EQ(asked_, 1);
}

TEST_F(EgressTest, OneForbiddenAddressForbidsTheHost) {
  for (const char* host : {"in.good.com", "mixed.com", "meta.com", "mapped.com", "127.0.0.1", "::1", "localhost"}) {
    EXPECT_EQ(Ask({}, host), "PERMISSION_DENIED") << host;
  }
}

TEST_F(EgressTest, WhatIsAllowedPassesAndNothingBesideIt) {
  EXPECT_EQ(Ask({"10.1.0.0/16"}, "in.good.com"), "10.1.2.3 ");
  EXPECT_EQ(Ask({"10.1.2.3"}, "mixed.com"), "1.1.1.1 10.1.2.3 ");
  EXPECT_EQ(Ask({"10.1.2.2"}, "in.good.com"), "PERMISSION_DENIED");
  EXPECT_EQ(Ask({"10.1.2.0/25"}, "in.good.com"), "10.1.2.3 ");
  EXPECT_EQ(Ask({"10.1.2.4/30"}, "in.good.com"), "PERMISSION_DENIED");
  EXPECT_EQ(Ask({"10.0.0.0/8"}, "mapped.com"), "PERMISSION_DENIED");
  EXPECT_EQ(Ask({"::ffff:0:0/96"}, "mapped.com"), "::ffff:10.1.2.3 ");
  EXPECT_EQ(Ask({"In.Good.com"}, "in.good.com"), "10.1.2.3 ");
  EXPECT_EQ(Ask({"*.good.com"}, "in.good.com"), "10.1.2.3 ");
  EXPECT_EQ(Ask({"*.good.com"}, "ingood.com"), "PERMISSION_DENIED");
  EXPECT_EQ(Ask({"good.com"}, "in.good.com"), "PERMISSION_DENIED");
  EXPECT_EQ(Ask({"127.0.0.0/8", "::1"}, "127.0.0.1"), "127.0.0.1 ");
  EXPECT_EQ(Ask({"0.0.0.0/0"}, "meta.com"), "169.254.169.254 ");
}

TEST_F(EgressTest, AWrongEntryIsRefused) {
  for (const char* entry : {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "10.0.0/8", "::/129", "a/8", "*", "*.", "a b", "a@b", "http://a", "*.*.com"}) {
    EXPECT_FALSE(EgressGuard::Make({entry})) << entry;
  }
}

}  // namespace
}  // namespace sw::net
