#include "p256.h"

#include <string.h>

#define LIMBS 4
typedef unsigned __int128 wide;
typedef struct {
    UINT64 limb[LIMBS]; /* the least significant first */
} number;
typedef struct {
    number x, y, z; /* Jacobian, in Montgomery's form; z is 0 for the point at infinity */
} point;

static const number PRIME = {{0xFFFFFFFFFFFFFFFF, 0x00000000FFFFFFFF, 0, 0xFFFFFFFF00000001}};
static const number SQUARE = {{3, 0xFFFFFFFBFFFFFFFF, 0xFFFFFFFFFFFFFFFE, 0x00000004FFFFFFFD}}; /* 2^512 mod p */
static const number ONE = {{1, 0, 0, 0}};

static number reduce(const UINT64 limbs[LIMBS], UINT64 carry) {
    number less, same;
    UINT64 borrow = 0;
    for (int at = 0; at < LIMBS; at++) {
        wide difference = (wide)limbs[at] - PRIME.limb[at] - borrow;
        less.limb[at] = (UINT64)difference;
        same.limb[at] = limbs[at];
        borrow = (UINT64)(difference >> 64) & 1;
    }
    return carry >= borrow ? less : same;
}

static number add_numbers(number one, number other) {
    UINT64 limbs[LIMBS];
    wide sum = 0;
    for (int at = 0; at < LIMBS; at++) {
        sum += (wide)one.limb[at] + other.limb[at];
        limbs[at] = (UINT64)sum;
        sum >>= 64;
    }
    return reduce(limbs, (UINT64)sum);
}

static number subtract(number one, number other) {
    number negative;
    UINT64 borrow = 0;
    for (int at = 0; at < LIMBS; at++) {
        wide difference = (wide)PRIME.limb[at] - other.limb[at] - borrow;
        negative.limb[at] = (UINT64)difference;
        borrow = (UINT64)(difference >> 64) & 1;
    }
    return add_numbers(one, reduce(negative.limb, 0));
}

/* Montgomery: one * other / 2^256. -1 / p is 1 modulo 2^64. */
static number multiply(number one, number other) {
    UINT64 sum[LIMBS + 2] = {0};
    for (int at = 0; at < LIMBS; at++) {
        wide carry = 0;
        for (int with = 0; with < LIMBS; with++) {
            carry += (wide)one.limb[at] * other.limb[with] + sum[with];
            sum[with] = (UINT64)carry;
            carry >>= 64;
        }
        carry += sum[LIMBS];
        sum[LIMBS] = (UINT64)carry;
        sum[LIMBS + 1] = (UINT64)(carry >> 64);
        UINT64 factor = sum[0];
        carry = ((wide)factor * PRIME.limb[0] + sum[0]) >> 64;
        for (int with = 1; with < LIMBS; with++) {
            carry += (wide)factor * PRIME.limb[with] + sum[with];
            sum[with - 1] = (UINT64)carry;
            carry >>= 64;
        }
        carry += sum[LIMBS];
        sum[LIMBS - 1] = (UINT64)carry;
        sum[LIMBS] = sum[LIMBS + 1] + (UINT64)(carry >> 64);
    }
    return reduce(sum, sum[LIMBS]);
}

static BOOL is_zero(number value) {
    return (value.limb[0] | value.limb[1] | value.limb[2] | value.limb[3]) == 0;
}

/* By Fermat: to the power of p - 2. */
static number invert(number value) {
    number exponent = PRIME;
    number power = multiply(ONE, SQUARE);
    exponent.limb[0] -= 2;
    for (int bit = 255; bit >= 0; bit--) {
        power = multiply(power, power);
        if (exponent.limb[bit / 64] >> (bit % 64) & 1) {
            power = multiply(power, value);
        }
    }
    return power;
}

/* "dbl-2001-b", for a = -3 */
static point twice(point p) {
    point sum;
    number delta = multiply(p.z, p.z);
    number gamma = multiply(p.y, p.y);
    number beta = multiply(p.x, gamma);
    number alpha = multiply(subtract(p.x, delta), add_numbers(p.x, delta));
    alpha = add_numbers(add_numbers(alpha, alpha), alpha);
    number beta4 = add_numbers(add_numbers(beta, beta), add_numbers(beta, beta));
    number gamma8 = multiply(add_numbers(gamma, gamma), add_numbers(gamma, gamma));
    gamma8 = add_numbers(gamma8, gamma8);
    sum.x = subtract(multiply(alpha, alpha), add_numbers(beta4, beta4));
    number both = add_numbers(p.y, p.z);
    sum.z = subtract(subtract(multiply(both, both), gamma), delta);
    sum.y = subtract(multiply(alpha, subtract(beta4, sum.x)), gamma8);
    return sum;
}

/* "add-1998-cmo-2"; a scalar below the order never adds a point to itself here */
static point plus(point p, point q) {
    point sum;
    if (is_zero(p.z)) {
        return q;
    }
    number pz2 = multiply(p.z, p.z);
    number qz2 = multiply(q.z, q.z);
    number u = multiply(p.x, qz2);
    number s = multiply(p.y, multiply(q.z, qz2));
    number h = subtract(multiply(q.x, pz2), u);
    number r = subtract(multiply(q.y, multiply(p.z, pz2)), s);
    number h2 = multiply(h, h);
    number h3 = multiply(h, h2);
    number v = multiply(u, h2);
    sum.x = subtract(subtract(multiply(r, r), h3), add_numbers(v, v));
    sum.y = subtract(multiply(r, subtract(v, sum.x)), multiply(s, h3));
    sum.z = multiply(h, multiply(p.z, q.z));
    return sum;
}

static number read_number(const BYTE bytes[32]) {
    number value = {{0}};
    for (int at = 0; at < 32; at++) {
        value.limb[3 - at / 8] = value.limb[3 - at / 8] << 8 | bytes[at];
    }
    return value;
}

void p256_multiply(const BYTE scalar[32], const BYTE x[32], const BYTE y[32], BYTE product[32]) {
    point base = {multiply(read_number(x), SQUARE), multiply(read_number(y), SQUARE), multiply(ONE, SQUARE)};
    point sum;
    memset(&sum, 0, sizeof sum);
    for (int bit = 0; bit < 256; bit++) {
        sum = twice(sum);
        if (scalar[bit / 8] >> (7 - bit % 8) & 1) {
            sum = plus(sum, base);
        }
    }
    number inverse = invert(sum.z);
    number affine = multiply(multiply(sum.x, multiply(inverse, inverse)), ONE);
    for (int at = 0; at < 32; at++) {
        product[at] = (BYTE)(affine.limb[3 - at / 8] >> (56 - 8 * (at % 8)));
    }
}
