/**
 * Refuses bit operators on addresses. They cut their operands to 32 bits, so `va >> 12` is wrong from 4 GiB on and right in
 * every small test; the helpers of emulator/arch/addr.ts divide and multiply instead. Needs type information: an address is
 * any type that is one of the branded names, contains one in a union, or is a type parameter bounded by one.
 */
const ADDRESS_TYPES = new Set(["Va", "Pa", "Vpn", "Pfn"]);
const BIT_OPERATORS = new Set(["&", "|", "^", "<<", ">>", ">>>", "&=", "|=", "^=", "<<=", ">>=", ">>>="]);

/** The branded name that `type` carries, or undefined. */
function addressName(type) {
  if (type.aliasSymbol !== undefined && ADDRESS_TYPES.has(type.aliasSymbol.name)) return type.aliasSymbol.name;
  if (type.isUnionOrIntersection()) {
    for (const part of type.types) {
      const name = addressName(part);
      if (name !== undefined) return name;
    }
  }
  return undefined;
}

export default {
  meta: {
    type: "problem",
    docs: { description: "no bit operator on a virtual or physical address, page or frame number" },
    messages: { address: "`{{operator}}` cuts {{name}} to 32 bits: use the helpers of emulator/arch/addr.ts." },
    schema: [],
  },
  create(context) {
    const services = context.sourceCode.parserServices;
    const checker = services.program.getTypeChecker();
    const check = (operand, operator) => {
      const type = services.getTypeAtLocation(operand);
      const name = addressName(checker.getBaseConstraintOfType(type) ?? type);
      if (name !== undefined) context.report({ node: operand, messageId: "address", data: { operator, name } });
    };
    return {
      BinaryExpression(node) {
        if (!BIT_OPERATORS.has(node.operator)) return;
        check(node.left, node.operator);
        check(node.right, node.operator);
      },
      AssignmentExpression(node) {
        if (!BIT_OPERATORS.has(node.operator)) return;
        check(node.left, node.operator);
        check(node.right, node.operator);
      },
      UnaryExpression(node) {
        if (node.operator === "~") check(node.argument, "~");
      },
    };
  },
};
