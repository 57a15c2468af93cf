-- The golden transcript: the one complete provisioning flow that the vendor publishes, byte for
-- byte. Bytes are given as the hex text that crosses the command line.

---@class spec.Transcript
---@field session string the device session id
---@field init_scp integer SCP of new_device
---@field init_payload string hex, 4 bytes: PAYLOAD of new_device
---@field init_response string hex, 90 bytes: what the device answered
---@field provisioning_scp integer SCP of get_device_configuration
---@field provisioning_payload string hex, 1984 bytes: PAYLOAD of get_device_configuration
---@field provisioning_response string hex, 24 bytes: what the device answered
---@field fingerprint string hex, 20 bytes: FINGERPRINT of handle_device_response
---@field new_device string stdout of new_device
---@field get_device_configuration string stdout of get_device_configuration
---@field handle_device_response string stdout of handle_device_response

---@type spec.Transcript
local transcript = {
  session = "e78d9c272156fb9b1a5c",
  init_scp = 256,
  init_payload = "01810000",
  provisioning_scp = 257,
  provisioning_response = "0a00fcedf4fc51e662058ab2000000000000000000000000",
  fingerprint = "e603eb9d1cb55d2288cb639fccf30e1687f5bb90",
}

transcript.init_response = table.concat {
  "010497124c2079e6083adc302d878d038ef18fec6c3b1b9047da0fa143367243c145da88f2a056a2667a0deb",
  "2b96eaa40f85ef282a0bed6700e2a10eec45911e141316002ed5a683fc34337763513ab01b12e491dae270de",
  "82df",
}

transcript.provisioning_payload = table.concat {
  "353d3153a9f224b0449c89267849856fd41611062654f17c28e949e73e88869a97cd2e7ebdeed27704071b1f",
  "cd097f7ae9a47b0fa63005a2907386a5cca38dfbbd50be77c30d61e8088fd89a26414841daaad28e3cb4dcaa",
  "ef664ecbe46c4d10819f29e029d35c6dc4450d731eddd328fb24d190fa3c0516892f0b762a2a89dd0bcb4d04",
  "0892ad6266612b8f19e8e5516c74b899ea5094d0a19bd2b0bd65edf08e07cac59d02a4d4ea06ab3ff438a67d",
  "2b5cf4d9fda07d132c54b56b62c406e62a0d1657f5856f065bfd88f846a804b5e2de07114022311f40fd539c",
  "317c2694fbeccd0d15db23ea8bd2b5eae67ab29793ed31195fce13af0347fb3f8b86996b30d3f887336448f4",
  "21f3bf8aa4148f680afe79d8cd3984a77b7dacb4033e8ae5ef0543f33d338e9ebcd39fee3c6d56066ca71699",
  "30c2ccea8d749607f67ba74c3c9527e90c5897880b698d2829e6d29408228d04b46fa09c78e8bf5647afcbb0",
  "0a912e74988ec2acf6bc1ea6e8139bdac63b89ea1bae0ae904af5af2d771d3c335c508d272171ab1365eae7f",
  "0a524ab597edd99a9645d3dc92ca6b4bde893789196b7952541d6f39c15a7cf7477d8041696101a3d35a221c",
  "dd14dbad404293f9277bbcb5d75ac7569a84b84cb3ecede9fad6aebaf698b0d39d0272ae8098db54c5c6eef0",
  "f6f7c5e7ab38abf07e6bd24584c0ae43b056bda08d255add43d6185a8f15f15c3c1b18d9d2f360674faa8be2",
  "b6fb5bc1bd87d3c24de7756bf34f7c281b6766c874803ba0103c8b3b2b841566c2a45f1638c32575f4e515f8",
  "9854b20d528d09046f3e3b2edd082f670efe9c9a450dd26db688fa19566c513a27f3ebf8c69feee8587a588f",
  "04c8138db4284b27b653118c7038bb233aacf6381e60609f45115eaea5a95e0ca3749e7e5731fadf245cd8fd",
  "2a245c86b3e8709788ea51ec595fe432a536a3063dc2a6418df1f272ce5d98b1719eb7e64ddce466685952a7",
  "d723b5885c57ba0f4d0fbf5f034efa9c2c3a4dffccc7fc1f7b654bb6d9dbb60e6f158ff6f8b90d8989bdfc45",
  "d7b86db7af1547274f433ca9d11961fd7c9350d26e1f279aec3afd403fb82b265deb32987d0240e6a6342cac",
  "81d727932f481300ba1ad278706b1369f0c008ae1be936d3f4471fa86fc6b85850722173ba9fadb8a90a1202",
  "326086ad46b939ae0c05388918cef0be0d4f8a4150a99d71f0ca5850dbcc6f22ee8df108d11af00d4f0e17f0",
  "af2941f4ed54b2889c80e46d6b6781cf55a90cca05e19f1c3f8adad790ac06247fc5a353824de0d07446637d",
  "c06d6cc84bc13a904a945d01d3648ce2ef0b0d90fc91fc69d09c69dbe1d2be51dddb955f7c8ca02af0b7bbf6",
  "42a50f632dc03ca526438600c656588e481458965169dcd20c42495765a4d293d3931ddf2d2de4dca4e76fd5",
  "9a12a8948ceac77079d767da5e4975e503790ff13e3e7f0b1b9f26d82a9571e2e8860198ec10b1d7a1760a79",
  "22a92058dc1eb6652164a3974209d788c434ecb187e12c7b9338150cbb9c2282299887d22db9e2218df79575",
  "71f9632cf0e6efc80d0538180395ca6d60d70fb69a3b5b24b6ec10aaf993e614f49e2df99dd368f1111027fa",
  "68a849cb3e75169b6847fa1db3fb7e42b97055f7f611047e7db4968940ec0b1b9272a129d25cd3d6d57e8a89",
  "1cf96192b51e2efdbc24001f87d5bbf80da66989d2da5e2175c76d579b7c5db5f7a49c8a8d203453e1fcd78d",
  "26bd4300246c59c6e1f044e2b8e66344081cb4dca152d25292fd2ffcc5a68833dc90775990e24544dfbe2d5b",
  "990519f7603e7b058d31e52362b344a19f50312956777ffa8a08e1a83f846bfaf15a4fad53a98bbf7721355a",
  "676876754095ca0ae79f5b3de274cb596df047d74a6c0cc8b59f6ec24492ba50f0f58cd4bb44cfe75144379e",
  "94aa381a6d5aa1bfeeac89f55caa27494eb3f39e1933ef41f7e57058d3be5ee9e3dcdcd9ebe21d661717a9ad",
  "a84e447bd72d08f64cd4b0a7a197f6fbe08f4ec9c96bfad17507166601296715c4ee7af4ed63161a963ab80a",
  "100a72c2abf97a807de94380b2db0713f377b0f711418897edb48cd4961e1046bdbd30b60c78f3470d84e9b6",
  "64004c82a119a6ea0e1e740212e50b2d74003ae02706d8486e2bea7131922c2e6b1301a2a912dd99a49dbcf7",
  "1cd64b152980a335e9c419123b05a88fadfaee54840380b254b2093b0a40df6814aa5c94e9cc7cfec97033a2",
  "1bd5a7226900d312888d71354cc237376943f37a292cec9e94383949534ec66ee80bc9b405fe0ece2546f844",
  "c19a7f953be835ae6042b2b6106b5b12a92b6453c8d6a5a6cf685d93cc24c03de6d8157e4a7e73f82e08f047",
  "a4d6f6607dc6ceb5d0449444467806b0efd1738f0eac87543e15e78ed121f46ddcd61148f3b7fa78d7ae0ac3",
  "f984f5a6e9ebd7ae66825f6b5c060127abe1d08b083718ede159605ea3ea8e9ba777bbba34f6112028760838",
  "a8680fcaecf7315637e8311c282be4be1fd78654186a0173ed201cb2564621def92dbb0ac94179439db5e15a",
  "f23e9a807d3ebbdb6b3aaf45a2c0a088d4f9190d2cd5479858b529f48ef18a45dad1923d561e0a8594a42336",
  "9feb6c9c7d3f51bbbbc32d8a78a55a81d5243c18e136f0e08c11121ac6032f29b042349758e1cea2f6d80aa9",
  "baecd57f370234cb6b17f67cef128dff55116e34af8c2a3bf8875381ea7a634feccff0770cd850bf741c79ba",
  "418866e04fc9ab8a2b0b7ff8193360e697f6596270017fca7d58816338a17df239ae0fd2088bc2469876ca77",
  "45a1f7b2",
}

transcript.new_device = "SCP 256\nPAYLOAD " .. transcript.init_payload .. "\n"

transcript.get_device_configuration = "SCP 257\nPAYLOAD " .. transcript.provisioning_payload .. "\n"

transcript.handle_device_response = "FINGERPRINT " .. transcript.fingerprint .. "\n"

return transcript
